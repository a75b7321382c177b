-- +goose Up

-- What gave up stays until a person has done something about it.
ALTER TABLE events ADD COLUMN status_at INTEGER NOT NULL DEFAULT 0; -- when it got its status; 0 is when it came
ALTER TABLE events ADD COLUMN successor TEXT NOT NULL DEFAULT ''; -- the event with an edited body that runs in its place
ALTER TABLE events ADD COLUMN edited_from TEXT NOT NULL DEFAULT ''; -- the event that it is an edited copy of
ALTER TABLE events ADD COLUMN edited_by TEXT NOT NULL DEFAULT ''; -- the person who edited it
-- When its body was removed, 0 if it is there. Its key still counts as seen.
ALTER TABLE events ADD COLUMN emptied_at INTEGER NOT NULL DEFAULT 0;
CREATE INDEX events_dead ON events (received_at, id) WHERE status IN ('failed', 'unparsed', 'quarantined') AND successor = '';
CREATE INDEX events_by_arrival ON events (received_at); -- without the id: each accept pays for it
CREATE INDEX events_of_delivery ON events (delivery) WHERE delivery IS NOT NULL;

ALTER TABLE runs ADD COLUMN dead INTEGER NOT NULL DEFAULT 0 CHECK (dead IN (0, 1)); -- it gave up, and nobody has done anything about it
ALTER TABLE runs ADD COLUMN successor TEXT NOT NULL DEFAULT ''; -- the run that a person started in its place
ALTER TABLE runs ADD COLUMN successor_of TEXT NOT NULL DEFAULT ''; -- the run that it is in the place of
ALTER TABLE runs ADD COLUMN edited_by TEXT NOT NULL DEFAULT ''; -- the person who gave it another prompt than that run had
-- When its prompt, answer and journal began to be removed, 0 if they are there.
ALTER TABLE runs ADD COLUMN emptied_at INTEGER NOT NULL DEFAULT 0;
UPDATE runs SET dead = 1 WHERE state = 'dead' OR state = 'failed' AND (event IS NOT NULL OR source NOT IN ('chat', 'cli'));
CREATE INDEX runs_dead ON runs (finished_at, id) WHERE dead = 1;
CREATE INDEX runs_ended ON runs (finished_at, id) WHERE finished_at > 0;

CREATE INDEX callbacks_by_state ON callbacks (state, last_at, id);
CREATE INDEX run_keys_by_run ON run_keys (run);
CREATE INDEX guarded_calls_by_time ON guarded_calls (at);
CREATE INDEX rejections_by_time ON rejections (at);
CREATE INDEX runs_emptied ON runs (finished_at, id) WHERE emptied_at > 0;
