package sqlite

import (
	"fmt"
	"os"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

type iocb struct {
	data   uint64
	key    uint32
	rwFlag uint32
	opcode uint16
	prio   int16
	fd     uint32
	buf    uint64
	nbytes uint64
	offset int64
	res2   uint64
	flags  uint32
	resfd  uint32
}
type ioEvent struct {
	data, obj uint64
	res, res2 int64
}

type Syncer struct {
	ctx  uintptr
	ev   *os.File
	file *os.File
	efd  int
}

func NewSyncer(path string) (*Syncer, error) {
	s := &Syncer{}
	if _, _, e := syscall.Syscall(unix.SYS_IO_SETUP, 4, uintptr(unsafe.Pointer(&s.ctx)), 0); e != 0 {
		return nil, e
	}
	efd, err := unix.Eventfd(0, unix.EFD_NONBLOCK|unix.EFD_CLOEXEC)
	if err != nil {
		return nil, err
	}
	s.efd = efd
	s.ev = os.NewFile(uintptr(efd), "eventfd")
	s.file, err = os.OpenFile(path, os.O_RDWR, 0)
	return s, err
}

func (s *Syncer) Sync() error {
	cb := &iocb{opcode: 3, fd: uint32(s.file.Fd()), flags: 1, resfd: uint32(s.efd)}
	p := cb
	if _, _, e := syscall.Syscall(unix.SYS_IO_SUBMIT, s.ctx, 1, uintptr(unsafe.Pointer(&p))); e != 0 {
		return fmt.Errorf("submit: %w", e)
	}
	var b [8]byte
	if _, err := s.ev.Read(b[:]); err != nil {
		return err
	}
	var ev ioEvent
	n, _, e := syscall.Syscall6(unix.SYS_IO_GETEVENTS, s.ctx, 0, 1, uintptr(unsafe.Pointer(&ev)), 0, 0)
	if e != 0 || n != 1 {
		return fmt.Errorf("getevents %d: %w", n, e)
	}
	if ev.res != 0 {
		return syscall.Errno(-ev.res)
	}
	return nil
}
