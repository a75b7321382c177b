-- +goose Up

-- What the settings say of sources and their routes that runs have to keep to.
CREATE TABLE lanes (
    lane    TEXT    NOT NULL PRIMARY KEY, -- a source, or a route of one: source/route
    at_once INTEGER NOT NULL, -- how many of its runs may have begun and not ended; 0 is without a bound
    ordered INTEGER NOT NULL CHECK (ordered IN (0, 1)) -- a source: its events stand in line
) WITHOUT ROWID;

-- It waits to be routed, and runs of later events of its source wait for that.
ALTER TABLE events ADD COLUMN in_line INTEGER NOT NULL DEFAULT 0 CHECK (in_line IN (0, 1));
CREATE INDEX events_in_line ON events (source, seq) WHERE in_line = 1;

ALTER TABLE runs ADD COLUMN subject TEXT NOT NULL DEFAULT ''; -- one run of a subject at a time
ALTER TABLE runs ADD COLUMN arrival INTEGER NOT NULL DEFAULT 0; -- events.seq, by which runs of a subject, and those at a gate, follow each other
ALTER TABLE runs ADD COLUMN gate TEXT NOT NULL DEFAULT ''; -- dispatch.Gate: where it waits for others, without a job; '' once it may begin
ALTER TABLE runs ADD COLUMN debounce TEXT NOT NULL DEFAULT ''; -- while it is delayed, a newer event of the same takes its place
ALTER TABLE runs ADD COLUMN start_by INTEGER NOT NULL DEFAULT 0; -- however many do, it is not delayed beyond this
ALTER TABLE runs ADD COLUMN budget TEXT NOT NULL DEFAULT ''; -- JSON: what its route sets of the agent's budget

CREATE INDEX runs_by_subject ON runs (subject, arrival, id) WHERE subject <> '' AND finished_at = 0;
CREATE INDEX runs_by_gate ON runs (source, gate, via, priority, arrival, id) WHERE finished_at = 0 AND event IS NOT NULL;
CREATE INDEX runs_at_source_gate ON runs (source, priority, arrival, id) WHERE gate = 'source' AND finished_at = 0;
CREATE INDEX runs_at_line_gate ON runs (source, arrival, id) WHERE gate = 'line' AND finished_at = 0;
CREATE INDEX runs_debounced ON runs (debounce) WHERE debounce <> '' AND gate = 'delay' AND finished_at = 0;
