-- Who may sign in. visited moves without the version of the rest.
CREATE TABLE console_user (
	id {text} NOT NULL PRIMARY KEY,
	name {text} NOT NULL UNIQUE,
	via {text} NOT NULL,
	subject {text} NOT NULL,
	version BIGINT NOT NULL,
	signed_in BIGINT NOT NULL,
	visited BIGINT NOT NULL,
	body {bytes} NOT NULL
);
CREATE UNIQUE INDEX console_user_subject ON console_user (via, subject) WHERE subject <> '';

-- What proves a user (hashes of passwords, second factors), apart from what is shown of them.
CREATE TABLE user_secret (
	user_id {text} NOT NULL PRIMARY KEY,
	body {bytes} NOT NULL
) {clustered};

-- Of secrets of sessions and tokens there is the SHA-256 alone.
CREATE TABLE console_session (
	id {text} NOT NULL PRIMARY KEY,
	secret {bytes} NOT NULL UNIQUE,
	user_id {text} NOT NULL,
	seen BIGINT NOT NULL,
	expires BIGINT NOT NULL,
	body {bytes} NOT NULL
);
CREATE INDEX console_session_user ON console_session (user_id, id);
CREATE INDEX console_session_expires ON console_session (expires);

CREATE TABLE token (
	id {text} NOT NULL PRIMARY KEY,
	secret {bytes} NOT NULL UNIQUE,
	expires BIGINT NOT NULL,
	used BIGINT NOT NULL,
	revoked BIGINT NOT NULL,
	body {bytes} NOT NULL
);

-- The audit trail. sum is the SHA-256 of the sum before it and of body, so that a line that
-- was changed or taken out is found; the other columns say again what body says.
CREATE TABLE audit (
	seq BIGINT NOT NULL PRIMARY KEY,
	at BIGINT NOT NULL,
	who {text} NOT NULL,
	what {text} NOT NULL,
	target {text} NOT NULL,
	outcome {text} NOT NULL,
	body {bytes} NOT NULL,
	sum {bytes} NOT NULL
);
CREATE INDEX audit_who ON audit (who, seq);
CREATE INDEX audit_what ON audit (what, seq);
CREATE INDEX audit_target ON audit (target, seq);

-- The end of the trail, in one row that is locked by whoever adds to it.
CREATE TABLE audit_head (
	name {text} NOT NULL PRIMARY KEY,
	seq BIGINT NOT NULL,
	sum {bytes} NOT NULL
);

CREATE TABLE saved_view (
	id {text} NOT NULL PRIMARY KEY,
	list {text} NOT NULL,
	owner {text} NOT NULL,
	shared BIGINT NOT NULL,
	body {bytes} NOT NULL
);
CREATE INDEX saved_view_owner ON saved_view (owner, list);
CREATE INDEX saved_view_shared ON saved_view (list, id) WHERE shared = 1;

-- What may be used one time: steps of second factors, assertions of identity providers.
CREATE TABLE once (
	kind {text} NOT NULL,
	id {text} NOT NULL,
	until BIGINT NOT NULL,
	PRIMARY KEY (kind, id)
) {clustered};
CREATE INDEX once_until ON once (until);
