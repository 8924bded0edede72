-- How far each rule on a schedule has come, and who runs it: one process at a time.
CREATE TABLE schedule (
	rule {text} NOT NULL PRIMARY KEY,
	owner {text} NOT NULL,
	lease BIGINT NOT NULL,
	watermark BIGINT NOT NULL,
	body {bytes} NOT NULL
) {clustered};

-- What each window of such a rule says: so that a window that is run again takes back what
-- does not hold any more. A finding with no id says that the window holds and is suppressed.
CREATE TABLE schedule_finding (
	rule {text} NOT NULL,
	at BIGINT NOT NULL,
	finding {text} NOT NULL,
	PRIMARY KEY (rule, at, finding)
) {clustered};
CREATE INDEX schedule_finding_id ON schedule_finding (rule, finding, at);
