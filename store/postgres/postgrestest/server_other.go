//go:build !unix

package postgrestest

// Options of a server.
type Options struct {
	TCP      bool
	Memory   bool
	Settings []string
}

// Server is not to be had here: tests use the one that [Env] names.
type Server struct{}

// Launch finds no server.
func Launch(Options) (*Server, error) { return nil, ErrMissing }

// Close does nothing.
func (s *Server) Close() {}

// URL is none.
func (s *Server) URL(string) string { return "" }

// Log is none.
func (s *Server) Log() string { return "" }

// Start finds no server.
func (s *Server) Start() error { return ErrMissing }

// Stop finds no server.
func (s *Server) Stop() error { return ErrMissing }

// Kill finds no server.
func (s *Server) Kill() error { return ErrMissing }

// Restart finds no server.
func (s *Server) Restart() error { return ErrMissing }
