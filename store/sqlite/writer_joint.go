package sqlite

import (
	"drawbridge/tools/sqldb"
)

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
	if w.run(func(tx sqldb.Tx) error { return joint.Carry(tx, w.parts) }) != nil {
		if err := w.tx.exec("ROLLBACK TO joint"); err != nil {
			return err
		}
		return w.tx.exec("RELEASE joint")
	}
	for _, op := range w.joined {
		op.carried = true
	}
	return w.tx.exec("RELEASE joint")
}
