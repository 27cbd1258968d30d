// Package egress is the HTTP client by which platforms are called: bounded, with kept connections. It follows no redirect,
// since a redirected call would carry its credentials elsewhere, honours the proxy variables of the environment
// ([http.ProxyFromEnvironment]), and trusts the machine's authorities and those of a PEM file.
//
// These are the bounds of a call, with what they are if [Config] says nothing:
//
//	all of it, with the wait for its turn           15 s     Timeout
//	name look-up and TCP connect                     5 s     ConnectTimeout
//	TLS handshake                                    5 s     ConnectTimeout
//	a proxy's answer to CONNECT                     60 s     net/http's own; the call itself ends by Timeout
//	from the request's last byte to the header      10 s     HeaderTimeout
//	from the header to the body's last byte         10 s     BodyTimeout
//	request body                                     1 MiB   MaxRequest
//	answer header                                   64 KiB
//	answer body, after decompression                16 MiB   MaxAnswer
//
// And these those of the network connections:
//
//	sockets per host, and calls at a time           64       MaxConns
//	a kept one is closed when idle for              50 s     below the 60 s of common gateways
//	an answer that is closed before its end is
//	  still read, so that its socket is kept, for  256 KiB   and 500 ms; then the socket is closed
//	an HTTP/2 connection that is silent is asked
//	  whether it lives after                        15 s     and given up 5 s later
//
// HTTP/2 is spoken where the server offers it. All calls then share a single socket, or as few as are needed where the server
// allows fewer calls on one than are made. The first calls, which do not know of it yet, open a socket each and close all but
// one.
//
// The client is not for protocol upgrades, such as web sockets: an answer 101 is bounded like any other.
package egress
