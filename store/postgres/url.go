package postgres

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

// Oldest is the first version of PostgreSQL that will do.
const Oldest = 13

// connectTimeout is how long a server may take to answer a new connection.
const connectTimeout = 5 * time.Second

// Names reports whether a store URL is one of PostgreSQL.
func Names(storeURL string) bool {
	return strings.HasPrefix(storeURL, "postgres://") || strings.HasPrefix(storeURL, "postgresql://")
}

// Check says what is wrong with a store URL. No error of this package shows the
// password in it.
func Check(storeURL string) error {
	_, err := parse(storeURL)
	return err
}

// Place is a store URL as it may be shown: without its password.
func Place(storeURL string) string {
	u, err := url.Parse(storeURL)
	if err != nil {
		return "postgres://..."
	}
	q := u.Query()
	for name := range q {
		if strings.Contains(name, "password") {
			q.Set(name, "xxxxx")
		}
	}
	u.RawQuery = q.Encode()
	return u.Redacted()
}

func parse(storeURL string) (*pgx.ConnConfig, error) {
	if !Names(storeURL) {
		return nil, errors.New("store url: expected postgres://user:password@host/database")
	}
	u, err := url.Parse(storeURL)
	if err != nil {
		var syntax *url.Error
		if errors.As(err, &syntax) {
			err = syntax.Err // without the URL
		}
		return nil, fmt.Errorf("store url: not a URL: %w; what is not a letter or a digit in a password is written as %%40 for @", err)
	}
	if strings.Trim(u.Path, "/") == "" {
		return nil, fmt.Errorf("store url %q: it names no database; expected postgres://user:password@host/database", Place(storeURL))
	}
	config, err := pgx.ParseConfig(storeURL)
	if err != nil {
		return nil, fmt.Errorf("store url %q: %s", Place(storeURL), withoutURL(err))
	}
	if config.ConnectTimeout == 0 || config.ConnectTimeout > connectTimeout {
		config.ConnectTimeout = connectTimeout
	}
	if config.RuntimeParams["application_name"] == "" {
		config.RuntimeParams["application_name"] = "drawbridge"
	}
	return config, nil
}

// withoutURL is the cause of an error of pgx, whose words repeat the URL.
func withoutURL(err error) string {
	for {
		inner := errors.Unwrap(err)
		if inner == nil {
			text := err.Error()
			if strings.Contains(text, "://") {
				return "it cannot be read"
			}
			return text
		}
		err = inner
	}
}

// checkServer refuses a server that cannot keep what it acknowledges, or is too old.
func checkServer(ctx context.Context, db *sql.DB) error {
	settings := map[string]string{"server_version_num": "", "server_version": "", "fsync": "", "server_encoding": ""}
	for name := range settings {
		var value string
		if err := db.QueryRowContext(ctx, `SELECT current_setting('`+name+`')`).Scan(&value); err != nil {
			return fmt.Errorf("reading the server's setting %s: %w", name, err)
		}
		settings[name] = value
	}
	version, err := strconv.Atoi(settings["server_version_num"])
	if err != nil {
		return fmt.Errorf("reading the server's version: %w", err)
	}
	switch {
	case version < Oldest*10000:
		return fmt.Errorf("the server is PostgreSQL %s; it has to be %d or newer", settings["server_version"], Oldest)
	case settings["fsync"] != "on":
		return errors.New("the server's fsync is off: what is acknowledged could be lost; set fsync = on in its postgresql.conf")
	case settings["server_encoding"] != "UTF8":
		return fmt.Errorf("the database's encoding is %s; it has to be UTF8: CREATE DATABASE ... ENCODING 'UTF8' TEMPLATE template0", settings["server_encoding"])
	}
	return nil
}
