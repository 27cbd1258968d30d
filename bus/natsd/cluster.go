package natsd

import (
	"errors"
	"fmt"
	"net/url"

	"github.com/nats-io/nats-server/v2/server"
)

// ClusterConfig makes a server one of several that keep copies of each other's streams. Each must have a ServerName of its
// own.
type ClusterConfig struct {
	// Name is the cluster's, the same on all of its servers.
	Name string
	// Listen is the host:port to take the other servers on; port 0 is any free one. There are no credentials: it has to be an
	// address that only they can reach.
	Listen string
	// Routes are the addresses of the other servers, as nats://host:port. One that answers is enough to find all; JetStream
	// waits until more than half of those named here and this one are up.
	Routes []string
}

// apply fills in the server's options.
func (c *ClusterConfig) apply(opts *server.Options) error {
	if c.Name == "" || len(c.Routes) == 0 {
		return errors.New("natsd: Config.Cluster: Name and Routes are required")
	}
	host, port, err := splitListen(c.Listen)
	if err != nil {
		return fmt.Errorf("natsd: Config.Cluster.Listen: %w", err)
	}
	opts.Cluster = server.ClusterOpts{Name: c.Name, Host: host, Port: port}
	for _, r := range c.Routes {
		u, err := url.Parse(r)
		if err != nil || u.Host == "" {
			return fmt.Errorf("natsd: Config.Cluster.Routes: %q is not nats://host:port", r)
		}
		opts.Routes = append(opts.Routes, u)
	}
	return nil
}

// User is one who may connect, and the subjects that are open to it. All users share one account.
type User struct {
	Name, Password string
	// Publish and Subscribe are the subjects allowed; nil means every one. Answers to requests that the user received are
	// always allowed.
	Publish, Subscribe []string
}

func users(configured []User) []*server.User {
	var out []*server.User
	for _, u := range configured {
		p := &server.Permissions{}
		if u.Publish != nil {
			p.Publish = &server.SubjectPermission{Allow: u.Publish}
			p.Response = &server.ResponsePermission{
				MaxMsgs: server.DEFAULT_ALLOW_RESPONSE_MAX_MSGS, Expires: server.DEFAULT_ALLOW_RESPONSE_EXPIRATION,
			}
		}
		if u.Subscribe != nil {
			p.Subscribe = &server.SubjectPermission{Allow: u.Subscribe}
		}
		out = append(out, &server.User{Username: u.Name, Password: u.Password, Permissions: p})
	}
	return out
}
