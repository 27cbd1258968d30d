package rocketsim

import (
	"fmt"
	"log/slog"
	"strings"
	"time"
)

// Config configures a simulated Rocket.Chat server.
type Config struct {
	// Version is the server's major version, 7, 8 or 9; default 8. It decides texts and statuses of refusals, which requests are
	// validated how, and which newer endpoints and parameters exist.
	Version int
	// SiteURL is the setting Site_Url: where people and webhooks are told that the server is; no trailing slash. Default
	// "http://localhost:3000".
	SiteURL string

	Now      func() time.Time // clock for every time that the API shows; default time.Now
	Settings Settings         // the workspace's settings; [Server.Set] changes them later
	Limits   Limits           // the rate limiter
	// CustomEmoji are names, without colons, of emoji that may be reacted with besides those that every server knows.
	CustomEmoji []string
	Hooks       HooksConfig    // outgoing webhooks
	Realtime    RealtimeConfig // the realtime API
	// Speed is how many times faster than the clock on the wall the simulator's own waits pass: the retries of webhooks, what
	// DeliveryFault holds back, and the pings of the realtime API; default 1.
	Speed float64

	// HiddenCopies makes chat.getThreadMessages return the hidden copies that edits leave behind with Settings.KeepHistory, as
	// servers before 8 do. Version 7 does so in any case.
	HiddenCopies bool
	// PlainTexts keeps texts from asking for faults, which they do by beginning with names in brackets, such as "[429:30] hello".
	// In a message that comes through REST they strike the very request that carries the text, the first time that it comes; see
	// [Server.Break] for the names.
	PlainTexts bool
	// Chaos makes requests fail at random.
	Chaos Chaos

	Log *slog.Logger // default discards
}

// Settings are those of a workspace that show in the API (Rocket.Chat: server/settings/message.ts, threads.ts, rate.ts). The zero
// value is a fresh workspace: what is on by default has a field that turns it off.
type Settings struct {
	MaxAllowedSize         int  // Message_MaxAllowedSize in UTF-16 code units; default 5000
	KeepHistory            bool // Message_KeepHistory: edits and deletes leave a hidden copy of what was
	ShowDeletedStatus      bool // Message_ShowDeletedStatus: deleted messages stay with t "rm"
	NoEditing              bool // Message_AllowEditing false
	BlockEditInMinutes     int  // Message_AllowEditing_BlockEditInMinutes; 0 never blocks
	NoDeleting             bool // Message_AllowDeleting false
	BlockDeleteInMinutes   int  // Message_AllowDeleting_BlockDeleteInMinutes; 0 never blocks
	CustomFields           bool // Message_CustomFields_Enabled
	NoThreads              bool // Threads_enabled false
	UpperCountLimit        int  // API_Upper_Count_Limit; default 100
	DefaultCount           int  // API_Default_Count; default 50
	NoInfiniteCount        bool // API_Allow_Infinite_Count false
	UnprotectedFiles       bool // FileUpload_ProtectFiles false
	MaxFileSize            int  // FileUpload_MaxFileSize in bytes; default 104857600
	NoAccessToUnjoinedRoom bool // takes view-c-room from the role user, so that public channels must be joined
}

// Limits is the rate limiter of REST calls, by route, method and address of the caller.
type Limits struct {
	On     bool          // API_Enable_Rate_Limiter; a real server has it on
	Calls  int           // calls per Period; default 10
	Period time.Duration // default 60 s, on Config.Now
	// SendCalls per SendPeriod is chat.sendMessage's own rule, since 8; default 5 per second. Version 7 has none.
	SendCalls  int
	SendPeriod time.Duration
}

func (c *Config) setDefaults() {
	if c.Version == 0 {
		c.Version = 8
	}
	if c.SiteURL == "" {
		c.SiteURL = "http://localhost:3000"
	}
	c.SiteURL = strings.TrimRight(c.SiteURL, "/")
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	c.Settings.setDefaults()
	c.Limits.setDefaults()
	if c.Speed == 0 {
		c.Speed = 1
	}
	c.Hooks.setDefaults()
	c.Realtime.setDefaults()
}

func (c *Config) validate() error {
	if c.Version < 7 || c.Version > 9 {
		return fmt.Errorf("rocketsim: Config.Version is %d, want 7, 8 or 9", c.Version)
	}
	if !(c.Speed > 0) {
		return fmt.Errorf("rocketsim: Config.Speed is %g, want more than 0", c.Speed)
	}
	return c.Chaos.validate()
}

func (st *Settings) setDefaults() {
	const size, upper, usual, file = 5000, 100, 50, 100 << 20
	if st.MaxAllowedSize == 0 {
		st.MaxAllowedSize = size
	}
	if st.UpperCountLimit == 0 {
		st.UpperCountLimit = upper
	}
	if st.DefaultCount == 0 {
		st.DefaultCount = usual
	}
	if st.MaxFileSize == 0 {
		st.MaxFileSize = file
	}
}

func (l *Limits) setDefaults() {
	const calls, sends = 10, 5
	if l.Calls == 0 {
		l.Calls = calls
	}
	if l.Period == 0 {
		l.Period = time.Minute
	}
	if l.SendCalls == 0 {
		l.SendCalls = sends
	}
	if l.SendPeriod == 0 {
		l.SendPeriod = time.Second
	}
}

// Set changes the workspace's settings, as an administrator would.
func (s *Server) Set(change func(*Settings)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change(&s.cfg.Settings)
	s.cfg.Settings.setDefaults()
}
