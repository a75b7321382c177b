package postgres

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"drawbridge/tools/sqldb"
)

const (
	// rejoinPause is how long a node waits before it connects again.
	rejoinPause = 250 * time.Millisecond
	// askEvery is how long a node believes in its connection without an answer.
	askEvery = time.Second
	// missingFor is how long a node may be without its lock before the others take what it
	// has: when the server was restarted all of them are, for a moment.
	missingFor = 4 * time.Second
)

// node is this process among those that use the database. It holds a lock of two numbers,
// of which the second is the node. The lock belongs to a connection: the server gives it
// back when the process dies, however it dies. One that is stopped, and not dead, keeps
// it, and loses what it has when the leases run out.
type node struct {
	id     int32
	config *pgx.ConnConfig
	stop   context.CancelFunc
	ended  sync.WaitGroup
}

// join makes this process a node.
func join(ctx context.Context, config *pgx.ConnConfig) (*node, error) {
	n := &node{id: 1 + rand.Int32N(math.MaxInt32-1), config: config.Copy()}
	conn, err := n.connect(ctx)
	if err != nil {
		return nil, err
	}
	keeping, stop := context.WithCancel(context.Background())
	n.stop = stop
	n.ended.Go(func() { n.keep(keeping, conn) })
	return n, nil
}

// connect takes the node's lock in a session of its own. A session of before that the
// server has not given up is waited for: as long as it is there the node counts as alive.
func (n *node) connect(ctx context.Context) (*pgx.Conn, error) {
	conn, err := pgx.ConnectConfig(ctx, n.config)
	if err != nil {
		return nil, err
	}
	if _, err := conn.Exec(ctx, `SELECT pg_advisory_lock($1::int, $2::int)`, lockClass, n.id); err != nil {
		_ = conn.Close(ctx)
		return nil, fmt.Errorf("joining the nodes of the store: %w", err)
	}
	return conn, nil
}

// keep connects again whenever the connection breaks.
func (n *node) keep(ctx context.Context, conn *pgx.Conn) {
	for {
		untilBroken(ctx, conn)
		closing, cancel := context.WithTimeout(context.Background(), time.Second)
		_ = conn.Close(closing)
		cancel()
		var err error
		for conn, err = n.connect(ctx); err != nil; conn, err = n.connect(ctx) {
			if pause(ctx, rejoinPause); ctx.Err() != nil {
				return
			}
		}
	}
}

// untilBroken returns when the connection is broken, or ctx ends. One that is cut off without
// a word has to be asked: the server may have given it up long ago, and the lock with it.
func untilBroken(ctx context.Context, conn *pgx.Conn) {
	for {
		waiting, cancel := context.WithTimeout(ctx, askEvery)
		_, _ = conn.WaitForNotification(waiting) // there are none: it ends with the connection, or its time
		cancel()
		asking, cancel := context.WithTimeout(ctx, connectTimeout)
		err := conn.Ping(asking)
		cancel()
		if err != nil {
			return
		}
	}
}

// leave gives the lock back.
func (n *node) leave() {
	n.stop()
	n.ended.Wait()
}

// Node is the number of this process among the nodes.
func (d *DB) Node() int64 {
	if d.node == nil {
		return 0
	}
	return int64(d.node.id)
}

// absent are the nodes that have work leased and are not alive.
const absent = `SELECT DISTINCT node FROM jobs WHERE leased = 1 AND node <> 0 AND node NOT IN (
	SELECT CAST(objid AS BIGINT) FROM pg_locks WHERE locktype = 'advisory' AND granted AND classid = ` + lockClassText + ` AND objsubid = 2
		AND database = (SELECT oid FROM pg_database WHERE datname = current_database()))`

const lockClassText = "1685217655" // lockClass

// absentNodes lists the nodes that have work leased and do not live.
func (d *DB) absentNodes(ctx context.Context) ([]int64, error) {
	rows, err := d.Read().QueryContext(ctx, absent)
	if err != nil {
		return nil, fmt.Errorf("looking for nodes that are gone: %w", err)
	}
	defer func() { _ = rows.Close() }()
	var all []int64
	for rows.Next() {
		var node int64
		if err := rows.Scan(&node); err != nil {
			return nil, fmt.Errorf("looking for nodes that are gone: %w", err)
		}
		all = append(all, node)
	}
	return all, rows.Err()
}

// takeOver makes what nodes have leased due at once. If one of them lives after all it
// loses no more than a race: what it writes is fenced.
func (d *DB) takeOver(ctx context.Context, nodes []int64, now time.Time) error {
	if len(nodes) == 0 {
		return nil
	}
	list, err := json.Marshal(nodes)
	if err != nil {
		return err
	}
	err = d.Write(ctx, func(tx sqldb.Tx) error {
		_, err := tx.ExecContext(ctx, `UPDATE jobs SET due_at = ?, leased = 0, node = 0
			WHERE leased = 1 AND node IN (SELECT CAST(value AS BIGINT) FROM json_each(?))`, now.UnixMilli(), string(list))
		return err
	})
	if err != nil {
		return fmt.Errorf("taking over what other nodes had: %w", err)
	}
	return nil
}

// Reclaim takes over, at the start of this process, what others have left that do not
// live: a node that is started again carries on where it was at once.
func (d *DB) Reclaim(ctx context.Context, now time.Time) error {
	nodes, err := d.absentNodes(ctx)
	if err != nil {
		return err
	}
	return d.takeOver(ctx, nodes, now)
}

// missing are the nodes that are gone, and since when.
type missing map[int64]time.Time

// overdue notes who is gone now, and gives those who have been for long enough.
func (m missing) overdue(absent []int64, now time.Time) (gone []int64) {
	still := map[int64]bool{}
	for _, node := range absent {
		still[node] = true
		if since, known := m[node]; !known {
			m[node] = now
		} else if now.Sub(since) >= missingFor {
			gone = append(gone, node)
		}
	}
	for node := range m {
		if !still[node] {
			delete(m, node)
		}
	}
	return gone
}

func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
