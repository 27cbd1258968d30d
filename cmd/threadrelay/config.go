package main

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"time"

	"github.com/caarlos0/env/v11"
)

// config is everything that the serve command reads: the environment, and the file that it may name. The tags of the fields are
// the single list of variables: env names one, envDefault is its default, unset says what its absence means, help explains it and
// allowed completes the sentence "allowed: ..." of an error.
type config struct {
	Relay      relayConfig
	NATS       natsConfig
	Log        logConfig
	CometChat  cometchatConfig
	RocketChat rocketchatConfig
	Routing    routing `env:"-"` // the YAML file
}

// relayConfig is what the process itself does: where it listens, which parts it runs and how long it keeps things.
type relayConfig struct {
	Listen      string        `env:"THREADRELAY_LISTEN" envDefault:":8080" help:"public listener: POST /hooks/{connection} and GET /livez, nothing else" allowed:"host:port with a port from 0 to 65535, such as :8080"`
	AdminListen string        `env:"THREADRELAY_ADMIN_LISTEN" envDefault:"127.0.0.1:9090" help:"admin listener: /livez, /readyz, /metrics and the console at /" allowed:"host:port with a port from 0 to 65535, such as 127.0.0.1:9090, on another port than THREADRELAY_LISTEN"`
	AdminToken  secret        `env:"THREADRELAY_ADMIN_TOKEN" help:"token of the admin listener; required when that is not loopback" allowed:"any text; it may be absent while THREADRELAY_ADMIN_LISTEN is a loopback address"`
	Roles       list          `env:"THREADRELAY_ROLES" envDefault:"ingest,deliver,bots" help:"which parts this process runs, a comma list" allowed:"a comma list of ingest, deliver and bots, each at most once"`
	Config      string        `env:"THREADRELAY_CONFIG" help:"path of the YAML file that makes further connections, each with its own rules of delivery" allowed:"the path of a YAML file of at most 1 MiB"`
	Bots        list          `env:"THREADRELAY_BOTS" help:"bundled bots to run, a comma list; echo is known" allowed:"a comma list of bundled bots, each at most once; known: echo"`
	DataDir     string        `env:"THREADRELAY_DATA_DIR" envDefault:"./data" help:"folder in which the embedded NATS server stores everything" allowed:"the path of a folder"`
	Fsync       string        `env:"THREADRELAY_FSYNC" envDefault:"interval" help:"embedded NATS server: interval, or always to have each acknowledged event on disk first" allowed:"interval, always"`
	DedupWindow time.Duration `env:"THREADRELAY_DEDUP_WINDOW" envDefault:"10m" help:"how long a second copy of an event is recognised by the stream (JetStream duplicate window)" allowed:"a positive duration such as 10m, not above THREADRELAY_RETENTION"`
	Retention   time.Duration `env:"THREADRELAY_RETENTION" envDefault:"168h" help:"how long events, actions, receipts and dead letters are kept" allowed:"a positive duration such as 168h"`
	MaxStore    bytesize      `env:"THREADRELAY_MAX_STORE" envDefault:"0" help:"bytes the streams may take; when they are taken, hooks answer 503; 0 is 80 % of the free disk at start (with NATS_URL: what the account's limit allows, or none)" allowed:"0, or at least 32MiB: a whole number of bytes, or one with KiB, MiB, GiB, KB, MB or GB"`
}

// natsConfig says which NATS server carries the messages; without an address it is the embedded one.
type natsConfig struct {
	URL      natsURL `env:"NATS_URL" unset:"embedded server" help:"external NATS server or cluster, a comma list of addresses" allowed:"addresses such as nats://host:4222 or host:4222, separated by commas; schemes nats, tls, ws, wss; web socket and other schemes do not mix"`
	Creds    string  `env:"NATS_CREDS" help:"path of a NATS credentials file" allowed:"the path of a file"`
	User     string  `env:"NATS_USER" help:"user name at NATS, together with NATS_PASSWORD" allowed:"any text; NATS_USER and NATS_PASSWORD go together"`
	Password secret  `env:"NATS_PASSWORD" help:"password at NATS, together with NATS_USER" allowed:"any text; NATS_USER and NATS_PASSWORD go together"`
	CA       string  `env:"NATS_CA" help:"path of the PEM file with the authorities that sign the NATS server's certificate" allowed:"the path of a file"`
	Cert     string  `env:"NATS_CERT" help:"path of the PEM client certificate, together with NATS_KEY" allowed:"the path of a file; NATS_CERT and NATS_KEY go together"`
	Key      string  `env:"NATS_KEY" help:"path of the PEM key of the client certificate, together with NATS_CERT" allowed:"the path of a file; NATS_CERT and NATS_KEY go together"`
	Replicas int     `env:"NATS_REPLICAS" envDefault:"1" help:"copies of each stream and bucket in a NATS cluster, 1 to 5" allowed:"a whole number from 1 to 5; above 1 only with NATS_URL, as the embedded server is one"`
}

// logConfig is what is logged and in which form.
type logConfig struct {
	Level  string `env:"LOG_LEVEL" envDefault:"info" help:"least severe level that is logged: debug, info, warn or error" allowed:"debug, info, warn, error"`
	Format string `env:"LOG_FORMAT" unset:"automatic" help:"text or json; automatic is text on a terminal and json otherwise" allowed:"text, json"`
}

// cometchatConfig is the connection named cometchat.
type cometchatConfig struct {
	AppID           string `env:"COMETCHAT_APP_ID" help:"app id; with the API key and a region it makes the connection cometchat" allowed:"the app id of the CometChat dashboard: letters, digits, - and _"`
	Region          string `env:"COMETCHAT_REGION" help:"region of the app: us, eu or in" allowed:"us, eu, in; it may be absent when COMETCHAT_BASE_URL is set"`
	APIKey          secret `env:"COMETCHAT_API_KEY" help:"REST API key with full access" allowed:"an API key of the CometChat dashboard"`
	BaseURL         string `env:"COMETCHAT_BASE_URL" unset:"from app id and region" help:"address of the REST API, for dedicated deployments and tests, such as http://127.0.0.1:9999/v3" allowed:"an http or https address without credentials, query and fragment, such as http://127.0.0.1:9999/v3"`
	CA              string `env:"COMETCHAT_CA" help:"path of a PEM file with authorities that are trusted besides the machine's, for servers and proxies with certificates of their own" allowed:"the path of a file with certificates in PEM"`
	BotUID          string `env:"COMETCHAT_BOT_UID" help:"uid of the user as whom the bundled bots answer" allowed:"the uid of a CometChat user; required by THREADRELAY_BOTS with a CometChat connection"`
	WebhookUsername string `env:"COMETCHAT_WEBHOOK_USERNAME" help:"user name that webhooks must carry; without it and the password the hook refuses everyone" allowed:"any text; COMETCHAT_WEBHOOK_USERNAME and COMETCHAT_WEBHOOK_PASSWORD go together"`
	WebhookPassword secret `env:"COMETCHAT_WEBHOOK_PASSWORD" help:"password that webhooks must carry" allowed:"any text; COMETCHAT_WEBHOOK_USERNAME and COMETCHAT_WEBHOOK_PASSWORD go together"`

	Poll         list          `env:"COMETCHAT_POLL" envDefault:"off" help:"what to poll, with or without webhooks: off, or a comma list of app (all messages), user/<uid> (with the bot), group/<guid> and thread/<id of its first message>; a bare name is a user" allowed:"off, or a comma list of app, user/<uid>, group/<guid> and thread/<id>, each at most once"`
	PollInterval time.Duration `env:"COMETCHAT_POLL_INTERVAL" envDefault:"5s" help:"poll of an active source; idle ones slow down to 12 times that, further when the rate budget demands it" allowed:"a duration of at least 100ms, such as 5s"`
	SenderLimit  string        `env:"COMETCHAT_SENDER_LIMIT" envDefault:"learn" help:"how often each sender may speak: learn it from CometChat's answers, or a rate such as 30/1m that every sender starts with" allowed:"learn, or a number of messages and a duration, such as 30/1m"`
	PollBackfill time.Duration `env:"COMETCHAT_POLL_BACKFILL" envDefault:"0" help:"how far into the past a source is read that was never polled before; 0 is from now on" allowed:"0, or a duration such as 24h"`
}

// enabled reports whether the environment describes a CometChat connection at all.
func (c cometchatConfig) enabled() bool {
	return c.AppID != "" || c.Region != "" || c.APIKey != "" || c.BaseURL != ""
}

// loadConfig reads the configuration from environ, a list of NAME=value as os.Environ gives it, and from the file that this may
// name. The warnings are sentences for the log and come with an error too. The error holds every fault that was found, each naming
// its variable or its place in the file, and never a secret.
func loadConfig(environ []string) (config, []string, error) {
	given := parseEnviron(environ)
	found := newFaults(variables())
	values := resolve(given, found)

	var cfg config
	cfg.parse(values, found)
	cfg.lowerKeywords()
	cfg.validate(found)
	cfg.Routing = cfg.readRouting(given, found)

	warnings := unknownVariables(given)
	if err := found.err(); err != nil {
		return config{}, warnings, err
	}
	return cfg, append(warnings, cfg.warnings()...), nil
}

// parse fills the groups one at a time, because the library names a field and a field's name is unique in its group only.
func (c *config) parse(values map[string]string, found *faults) {
	root := reflect.ValueOf(c).Elem()
	for _, i := range groups() {
		group := root.Field(i)
		err := env.ParseWithOptions(group.Addr().Interface(), env.Options{Environment: values})
		var all env.AggregateError
		if !errors.As(err, &all) {
			continue
		}
		for _, one := range all.Errors {
			name, problem := describe(one, group.Type(), values)
			found.exclude(name, problem)
		}
	}
}

// describe names the variable and the problem of one of the library's errors.
func describe(err error, group reflect.Type, values map[string]string) (name, problem string) {
	var wrong env.ParseError
	if !errors.As(err, &wrong) {
		return group.Name(), err.Error()
	}
	field, ok := group.FieldByName(wrong.Name)
	if !ok {
		return wrong.Name, "cannot be read as " + wrong.Type.String()
	}
	name = field.Tag.Get("env")
	kind := "a valid value"
	switch wrong.Type {
	case reflect.TypeFor[time.Duration]():
		kind = "a duration"
	case reflect.TypeFor[int]():
		kind = "a whole number"
	case reflect.TypeFor[bytesize]():
		kind = "a number of bytes"
	}
	return name, fmt.Sprintf("%q is not %s", values[name], kind)
}

// lowerKeywords makes the values that are words of a fixed set independent of their case.
func (c *config) lowerKeywords() {
	for _, word := range []*string{&c.Relay.Fsync, &c.Log.Level, &c.Log.Format, &c.CometChat.Region} {
		*word = strings.ToLower(*word)
	}
}

// list is a comma-separated value; white space around its items does not count.
type list []string

// UnmarshalText splits text at its commas. It keeps empty items, so that validation can name them as a fault.
func (l *list) UnmarshalText(text []byte) error {
	items := strings.Split(string(text), ",")
	for i, item := range items {
		items[i] = strings.TrimSpace(item)
	}
	*l = items
	return nil
}
