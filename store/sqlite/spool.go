package sqlite

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime/debug"
	"time"

	"drawbridge/store/state"
	"drawbridge/tools/sqldb"
)

// A write that may be answered before it is carried out ([state.How.Spool]) is put down in a
// file beside the database and carried out with the next commit, of which a good part of the
// cost, and of what it costs the readers, is then shared by many. What the process before put
// down and did not carry out, because it was killed, is carried out when the file is opened.
//
// Each write has a number, one more than the one before. The database's user_version is that
// of the last one that was carried out, and changes in the transaction that does: so none is
// carried out twice. It has 32 bits and may begin anew, as the difference is what counts.

const (
	spoolSuffix = ".spool"
	// spoolRest is how long what was put down may wait for a commit.
	spoolRest = 50 * time.Millisecond
	// spoolRetry is how long it waits after one that failed.
	spoolRetry = time.Second
	// spoolRows is how many writes do not wait longer; spoolBytes is the size of the file. It
	// is empty when all in it was carried out: once it is full, writes wait for a commit again
	// and so see to that.
	spoolRows  = 256
	spoolBytes = 1 << 20
	// ownerWait is how long whoever reads beside an owner waits for it to carry out what was
	// put down by then.
	ownerWait = 250 * time.Millisecond
)

// spool is that file. Its methods are called under the lock of the queue.
//
// A record is written to memory that is mapped from the file: no system call, and after the
// death of the process the operating system has it all the same. The file has its whole size
// from the beginning and is never cut. Once all in it was carried out, it is written from its
// start anew, over what was there; a reader tells the new from the old by the numbers.
type spool struct {
	file *os.File
	room []byte // the file in memory; nil where it cannot be, and then each record is a write
	size int    // how much of the file counts, in bytes
	last int32  // the number of the last
	buf  []byte
}

// spoolHead is what stands before a write: its number, its length and a checksum of all but itself.
const spoolHead = 12

// put puts a write down. If that fails it has to wait for a commit.
func (s *spool) put(payload func([]byte) []byte) (number int32, ok bool) {
	if s == nil {
		return 0, false
	}
	number = s.last + 1
	s.buf = appendSpooled(s.buf[:0], number, payload)
	if s.size+len(s.buf) > spoolBytes || s.write() != nil {
		return 0, false
	}
	s.size, s.last = s.size+len(s.buf), number
	return number, true
}

// write writes the record that was made. What of one that failed is in the file has no
// checksum, and the next is written over it.
func (s *spool) write() error {
	if s.room != nil {
		err := copyInto(s.room[s.size:], s.buf)
		if err == nil {
			return nil
		}
		s.unmap() // the disk had no block for it, or somebody has cut the file
	}
	_, err := s.file.WriteAt(s.buf, int64(s.size))
	return err
}

// copyInto is copy for memory behind which a file may be missing.
func copyInto(to, from []byte) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if fault := recover(); fault != nil {
			err = fmt.Errorf("writing to a mapped file: %v", fault)
		}
	}()
	copy(to, from)
	return nil
}

// empty has the file written from its start: all in it was carried out.
func (s *spool) empty() { s.size = 0 }

// clear removes what is in the file, takes the room for it on the disk, and maps it. Only
// what is left in it is an error: without room or map, writes wait for their commits or cost
// a system call.
func (s *spool) clear() error {
	if err := s.file.Truncate(0); err != nil {
		return err
	}
	if _, err := s.file.WriteAt(make([]byte, spoolBytes), 0); err != nil {
		return s.file.Truncate(0)
	}
	if room, err := mapFile(s.file, spoolBytes); err == nil {
		s.room = room
	}
	return nil
}

func (s *spool) unmap() {
	if s.room != nil {
		_ = unmapFile(s.room)
		s.room = nil
	}
}

func (s *spool) close() error {
	s.unmap()
	return s.file.Close()
}

func appendSpooled(b []byte, number int32, payload func([]byte) []byte) []byte {
	from := len(b)
	b = payload(append(b, make([]byte, spoolHead)...))
	head, body := b[from:from+spoolHead], b[from+spoolHead:]
	binary.BigEndian.PutUint32(head, uint32(number))
	binary.BigEndian.PutUint32(head[4:], uint32(len(body)))
	binary.BigEndian.PutUint32(head[8:], checksum(head[:8], body))
	return b
}

func checksum(head, payload []byte) uint32 {
	return crc32.Update(crc32.ChecksumIEEE(head), crc32.IEEETable, payload)
}

// spooled are the writes in the file behind a number, and the number of the last. Behind one
// that is not whole, as a power cut may leave it, nothing counts; nor does what is left of
// earlier ones, which does not go on from the number before it.
func spooled(content []byte, behind int32) (payloads [][]byte, last int32) {
	last = behind
	var before int32
	for first := true; len(content) >= spoolHead; first = false {
		head, rest := content[:8], content[spoolHead:]
		number, length := int32(binary.BigEndian.Uint32(head)), binary.BigEndian.Uint32(head[4:])
		if uint64(length) > uint64(len(rest)) || checksum(head, rest[:length]) != binary.BigEndian.Uint32(content[8:]) {
			break
		}
		if !first && number != before+1 {
			break
		}
		before = number
		if number-behind > 0 { // others were carried out, and the file not emptied yet
			payloads, last = append(payloads, rest[:length]), number
		}
		content = rest[length:]
	}
	return payloads, last
}

// Unspool implements [state.Spooler].
func (d *DB) Unspool(ctx context.Context, carry func(tx sqldb.Tx, spooled [][]byte) error) error {
	if err := d.unspool(ctx, carry); err != nil {
		return fmt.Errorf("carrying out what %q has: %w", d.path+spoolSuffix, err)
	}
	return nil
}

func (d *DB) unspool(ctx context.Context, carry func(tx sqldb.Tx, spooled [][]byte) error) error {
	file, err := os.OpenFile(d.path+spoolSuffix, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	s := &spool{file: file}
	err = d.carrySpooled(ctx, s, carry)
	if err == nil {
		err = s.clear()
	}
	if err != nil {
		return errors.Join(err, s.close())
	}
	d.writer.queue.spoolTo(s)
	return nil
}

func (d *DB) carrySpooled(ctx context.Context, s *spool, carry func(tx sqldb.Tx, spooled [][]byte) error) error {
	content, err := io.ReadAll(s.file)
	if err != nil {
		return err
	}
	done, err := carriedOut(ctx, d.reads)
	if err != nil {
		return err
	}
	payloads, last := spooled(content, done)
	if len(payloads) > 0 {
		op := &operation{number: last, spooled: true, result: make(chan error, 1), fn: func(tx sqldb.Tx) error { return carry(tx, payloads) }}
		if !d.writer.queue.add(op) {
			return ErrClosed
		}
		if err := <-op.result; err != nil {
			return err
		}
	}
	s.last = last
	return nil
}

// carriedOut is the number of the last spooled write that was carried out.
func carriedOut(ctx context.Context, q sqldb.Querier) (number int32, err error) {
	err = q.QueryRowContext(ctx, "PRAGMA user_version").Scan(&number)
	return number, err
}

// Settle implements [state.Spooler].
func (d *DB) Settle(ctx context.Context) {
	// If it fails they are there still, and what can be read is what could be written.
	if d.mode != state.Owned {
		_ = awaitOwner(ctx, d.path, d.reads)
	} else if d.writer.queue.hasSpooled() {
		_ = d.Do(ctx, state.How{Bare: true, Relaxed: true}, func(sqldb.Tx) error { return nil })
	}
}

// dropSpool removes what a store that is there no more has left.
func dropSpool(path string) error {
	if err := os.Remove(path + spoolSuffix); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// readSpool reads what a file's spool has.
func readSpool(path string) (content []byte, err error) {
	content, err = os.ReadFile(path + spoolSuffix)
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	return content, err
}

// isCarriedOut reports whether all that a spool had was carried out.
func isCarriedOut(ctx context.Context, content []byte, q sqldb.Querier) (bool, error) {
	if len(content) == 0 {
		return true, nil
	}
	done, err := carriedOut(ctx, q)
	left, _ := spooled(content, done)
	return err == nil && len(left) == 0, err
}

// awaitOwner has whoever reads beside an owner see what was answered before it came: an owner
// that lives carries that out in a moment, and of one that was killed the next one does.
func awaitOwner(ctx context.Context, path string, q sqldb.Querier) error {
	if real, err := filepath.EvalSymlinks(path); err == nil {
		path = real
	}
	content, err := readSpool(path)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, ownerWait)
	defer cancel()
	for {
		if done, err := isCarriedOut(ctx, content, q); err != nil || done {
			return err
		}
		if lives, err := isLocked(path + ".lock"); err != nil || !lives {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(spoolRest / 10):
		}
	}
}
