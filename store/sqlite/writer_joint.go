package sqlite

import (
	"errors"
	"slices"

	"drawbridge/tools/sqldb"
)

// whole carries out a batch of one kind together, in a transaction of its own, so that no
// savepoint is needed. It reports whether that was so; if it failed nothing of it is left, and
// each is to be carried out by itself.
func (w *writer) whole(batch []*operation) (bool, error) {
	joint := batch[0].how.Joint
	if joint == nil || len(batch) < 2 || slices.ContainsFunc(batch, func(op *operation) bool { return op.how.Joint != joint }) {
		return false, nil
	}
	if err := w.begin(); err != nil {
		return false, err
	}
	w.parts = w.parts[:0]
	for _, op := range batch {
		op.tried, w.parts = true, append(w.parts, op.how.Part)
	}
	defer func() { clear(w.parts) }() // or they would stay until as many came again
	if err := w.run(func(tx sqldb.Tx) error { return joint.Carry(tx, w.parts) }); err != nil {
		if undone := w.tx.exec("ROLLBACK"); undone != nil { // a full disk has undone it already
			return false, errors.Join(err, undone)
		}
		return false, nil
	}
	return true, w.end(batch, nil)
}

// join carries out the operations of the first one's kind together, wherever they stand:
// nobody who waits has been told of another's end, so any order is one that could have
// been. If that fails they are left to be carried out one by one, as if it had not been
// tried, so that one that cannot be written takes nobody else along. The error is of the
// whole transaction.
func (w *writer) join(ops []*operation) error {
	joint := ops[0].how.Joint
	w.joined, w.parts = w.joined[:0], w.parts[:0]
	for _, op := range ops {
		if op.how.Joint == joint {
			op.tried = true
			w.joined, w.parts = append(w.joined, op), append(w.parts, op.how.Part)
		}
	}
	defer func() { // or they would stay until as many came again
		clear(w.joined)
		clear(w.parts)
	}()
	if len(w.joined) < 2 {
		return nil
	}
	if err := w.tx.exec("SAVEPOINT joint"); err != nil {
		return err
	}
	if err := w.run(func(tx sqldb.Tx) error { return joint.Carry(tx, w.parts) }); err != nil {
		if undone := w.tx.exec("ROLLBACK TO joint"); undone != nil {
			return errors.Join(err, undone)
		}
		return w.tx.exec("RELEASE joint")
	}
	for _, op := range w.joined {
		op.carried = true
	}
	return w.tx.exec("RELEASE joint")
}
