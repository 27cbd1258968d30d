// Package deploy holds what runs threadrelay outside a checkout: a compose file, a systemd unit and a commented example
// of the environment. It has no code; its tests read these files, the Dockerfile and the .dockerignore with strict
// readers, so that they cannot drift from one another unnoticed.
package deploy
