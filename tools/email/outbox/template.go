package outbox

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"drawbridge/tools"
	"drawbridge/tools/email"
	"drawbridge/tools/sqldb"
)

// SaveTemplate adds a template, or replaces the one of that name.
func (b *Backend) SaveTemplate(ctx context.Context, t email.Template) error {
	if err := t.Check(); err != nil {
		return err
	}
	err := b.db.Write(ctx, func(tx sqldb.Tx) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO email_templates (name, description, subject, body_text, body_html, updated_at) VALUES (?, ?, ?, ?, ?, ?)
			ON CONFLICT (name) DO UPDATE SET description = excluded.description, subject = excluded.subject,
				body_text = excluded.body_text, body_html = excluded.body_html, updated_at = excluded.updated_at`,
			t.Name, t.Description, t.Subject, t.Text, t.HTML, b.now().UnixMilli())
		return err
	})
	if err != nil {
		return fmt.Errorf("saving template %q: %w", t.Name, err)
	}
	return nil
}

// SendTemplate fills a template, as it is now, and keeps the message as sent.
func (b *Backend) SendTemplate(ctx context.Context, name string, variables map[string]string, m email.Mail) (email.Receipt, error) {
	return b.once(ctx, email.ToolSendTemplate, func(tx sqldb.Tx) (email.Receipt, error) {
		t := email.Template{Name: name}
		err := tx.QueryRowContext(ctx, `SELECT subject, body_text, body_html FROM email_templates WHERE name = ?`, name).
			Scan(&t.Subject, &t.Text, &t.HTML)
		switch {
		case errors.Is(err, sql.ErrNoRows):
			return email.Receipt{}, email.NoTemplate(name)
		case err != nil:
			return email.Receipt{}, fmt.Errorf("reading template %q: %w", name, err)
		}
		if err := t.Fill(variables, &m); err != nil {
			return email.Receipt{}, err
		}
		return b.send(ctx, tx, m)
	})
}

// ListTemplates lists templates by name.
func (b *Backend) ListTemplates(ctx context.Context, page tools.Page) (email.TemplateList, error) {
	var after string
	if _, err := tools.DecodeCursor(page.Cursor, &after); err != nil {
		return email.TemplateList{}, err
	}
	rows, err := b.db.Read().QueryContext(ctx, `SELECT name, description, subject, body_text, body_html FROM email_templates
		WHERE name > ? ORDER BY name LIMIT ?`, after, page.Size()+1)
	if err != nil {
		return email.TemplateList{}, fmt.Errorf("listing templates: %w", err)
	}
	defer rows.Close()
	list := email.TemplateList{Templates: []email.TemplateInfo{}}
	for rows.Next() {
		var t email.Template
		if err := rows.Scan(&t.Name, &t.Description, &t.Subject, &t.Text, &t.HTML); err != nil {
			return email.TemplateList{}, fmt.Errorf("listing templates: %w", err)
		}
		if len(list.Templates) == page.Size() {
			list.NextCursor = tools.EncodeCursor(list.Templates[page.Size()-1].Name)
			break
		}
		info, err := t.Info()
		if err != nil {
			return email.TemplateList{}, err
		}
		list.Templates = append(list.Templates, info)
	}
	return list, rows.Err()
}
