-- +goose Up

CREATE INDEX tool_effects_by_time ON tool_effects (created_at); -- the oldest go first
