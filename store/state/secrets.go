package state

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"

	"drawbridge/tools/sqldb"
)

// OwnSecret is a secret of this store, which is made when it is first asked for: all
// servers that share the store have the same, today and after a restart. Whoever can read
// the store has it, and could change what it protects there as well.
func (s *Store) OwnSecret(ctx context.Context, name string) ([]byte, error) {
	fresh := make([]byte, 32)
	_, _ = rand.Read(fresh) // never fails
	var text string
	err := s.Write(ctx, func(tx sqldb.Tx) error {
		if _, err := tx.ExecContext(ctx, `INSERT INTO own_secrets (name, secret) VALUES (?, ?) ON CONFLICT (name) DO NOTHING`, name, hex.EncodeToString(fresh)); err != nil {
			return err
		}
		return tx.QueryRowContext(ctx, `SELECT secret FROM own_secrets WHERE name = ?`, name).Scan(&text)
	})
	var secret []byte
	if err == nil {
		secret, err = hex.DecodeString(text)
	}
	if err != nil {
		return nil, fmt.Errorf("the store's secret %q: %w", name, err)
	}
	return secret, nil
}
