//go:build !unix

package smtptest

import "syscall"

func (s *Server) attr() *syscall.SysProcAttr { return nil }

func (s *Server) give() error { return nil }
