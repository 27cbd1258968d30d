package natsd_test

import (
	"strings"
	"testing"

	"github.com/threadrelay/threadrelay/bus/natsd"
)

func TestClusterConfigIsChecked(t *testing.T) {
	cases := map[string]struct {
		cluster natsd.ClusterConfig
		want    string
	}{
		"no name":       {natsd.ClusterConfig{Listen: "127.0.0.1:0", Routes: []string{"nats://127.0.0.1:1"}}, "Name and Routes are required"},
		"no routes":     {natsd.ClusterConfig{Name: "c", Listen: "127.0.0.1:0"}, "Name and Routes are required"},
		"bad address":   {natsd.ClusterConfig{Name: "c", Listen: "127.0.0.1", Routes: []string{"nats://127.0.0.1:1"}}, "Config.Cluster.Listen"},
		"route is none": {natsd.ClusterConfig{Name: "c", Listen: "127.0.0.1:0", Routes: []string{"one"}}, `"one" is not nats://host:port`},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			s, err := natsd.New(natsd.Config{Dir: t.TempDir(), Cluster: &c.cluster})
			if err == nil {
				_ = s.Close()
				t.Fatal("started")
			}
			if !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want one with %q", err, c.want)
			}
		})
	}
	alone := start(t, natsd.Config{Dir: t.TempDir()})
	defer func() { _ = alone.Close() }()
	if got := alone.ClusterURL(); got != "" {
		t.Errorf("a server alone is at %q", got)
	}
}
