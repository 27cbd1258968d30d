// Command bench measures the bus: it runs the benchmarks of package bus and its own, which compare the bus with
// watermill-nats, and prints their medians as the table of the bus's README.
//
// It is a module of its own, so that threadrelay itself does not depend on what it is compared with.
package main
