package main

import (
	"context"
	"fmt"
	"runtime"
	"runtime/debug"
)

// version and commit are set when a release is built, with -ldflags "-X main.version=1.2.3 -X main.commit=abcdef0".
var version, commit string

// buildVersion returns version and commit, from the linker or else from what Go noted in the binary.
func buildVersion() (ver, rev string) {
	ver, rev = version, commit
	info, ok := debug.ReadBuildInfo()
	if !ok {
		info = &debug.BuildInfo{}
	}
	if ver == "" && info.Main.Version != "" && info.Main.Version != "(devel)" {
		ver = info.Main.Version
	}
	for _, s := range info.Settings {
		if rev == "" && s.Key == "vcs.revision" {
			rev = s.Value
		}
	}
	if ver == "" {
		ver = "devel"
	}
	if rev == "" {
		rev = "unknown"
	}
	return ver, rev
}

func printVersion(_ context.Context, inv invocation) error {
	if err := parseFlags("version", "Prints the version, the commit and the Go version.", inv, nil); err != nil || inv.helped() {
		return err
	}
	ver, rev := buildVersion()
	fmt.Fprintf(inv.stdout, "threadrelay %s\ncommit %s\n%s %s/%s\n", ver, rev, runtime.Version(), runtime.GOOS, runtime.GOARCH)
	return nil
}
