-- Times are UTC in one fixed width ("2026-11-23T09:41:00.000000000Z"), so that
-- they sort as text. JSON columns hold what callers gave, unread.

CREATE TABLE runs (
	id              TEXT PRIMARY KEY,
	deployment_id   TEXT NOT NULL,
	deployment_name TEXT NOT NULL,
	gateway_id      TEXT NOT NULL,
	cloud           TEXT NOT NULL,
	plan            TEXT,
	plan_hash       TEXT NOT NULL,
	before          TEXT,
	version         TEXT NOT NULL,
	started_by      TEXT NOT NULL,
	started_at      TEXT NOT NULL,
	-- Without an end the run is in doubt.
	outcome         TEXT,
	summary         TEXT,
	finished_at     TEXT
) STRICT;

CREATE INDEX runs_by_start ON runs (started_at, id);

CREATE TABLE steps (
	run_id      TEXT NOT NULL REFERENCES runs (id),
	place       INTEGER NOT NULL,
	kind        TEXT NOT NULL,
	title       TEXT NOT NULL,
	intent      TEXT,
	started_at  TEXT NOT NULL,
	-- Without an end nobody knows whether the step took effect.
	outcome     TEXT,
	result      TEXT,
	error       TEXT,
	finished_at TEXT,
	PRIMARY KEY (run_id, place)
) STRICT;

CREATE TABLE evidence (
	id     INTEGER PRIMARY KEY,
	run_id TEXT NOT NULL REFERENCES runs (id),
	kind   TEXT NOT NULL,
	data   TEXT,
	at     TEXT NOT NULL
) STRICT;

CREATE INDEX evidence_by_run ON evidence (run_id, id);
