-- When the cloud is asked next about an issue, and what it said so far. A row is taken by
-- moving its time on, so replicas do not ask about one issue at once.
CREATE TABLE recheck (
	issue_id {text} NOT NULL PRIMARY KEY,
	due BIGINT NOT NULL,
	body {bytes} NOT NULL
) {clustered};
