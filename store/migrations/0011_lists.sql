-- What lists are asked by. All of these tables follow from others: they are no part of a
-- backup, and are made again from bodies after a restore, as they are after this step.

-- What an issue can be asked by. Texts are folded, as queries fold theirs; account and format
-- are as they are, for scopes.
CREATE TABLE issue_fact (
	n {id},
	issue_id {text} NOT NULL UNIQUE,
	status BIGINT NOT NULL,
	episode BIGINT NOT NULL,
	severity BIGINT NOT NULL,
	opened BIGINT NOT NULL,
	updated BIGINT NOT NULL,
	acked BIGINT NOT NULL,
	closed BIGINT NOT NULL,
	suppressed BIGINT NOT NULL,
	flapping BIGINT NOT NULL,
	account {text} NOT NULL,
	format {text} NOT NULL,
	conclusion {text} NOT NULL,
	kind {text} NOT NULL,
	engine {text} NOT NULL,
	reason {text} NOT NULL,
	account_id {text} NOT NULL,
	account_name {text} NOT NULL,
	tenant {text} NOT NULL,
	owner {text} NOT NULL,
	environment {text} NOT NULL,
	rule {text} NOT NULL,
	rule_title {text} NOT NULL,
	log_type {text} NOT NULL,
	title {text} NOT NULL,
	title_ja {text} NOT NULL,
	actor {text} NOT NULL,
	actor_name {text} NOT NULL,
	region {text} NOT NULL,
	assignee {text} NOT NULL,
	cause {text} NOT NULL,
	umbrella {text} NOT NULL
);
CREATE INDEX issue_fact_updated ON issue_fact (updated, n);
CREATE INDEX issue_fact_severity ON issue_fact (severity, updated, n);
CREATE INDEX issue_fact_opened ON issue_fact (opened, n);
CREATE INDEX issue_fact_account ON issue_fact (account_id, updated, n);
CREATE INDEX issue_fact_rule ON issue_fact (rule, updated, n);
CREATE INDEX issue_fact_assignee ON issue_fact (assignee, updated, n) WHERE assignee <> '';
CREATE INDEX issue_tally_seen ON issue_tally (last_seen, issue_id);
CREATE INDEX issue_tally_findings ON issue_tally (findings, issue_id);

-- What an issue has several of: entities, labels, techniques, sinks, addresses.
CREATE TABLE issue_value (
	field BIGINT NOT NULL,
	value {text} NOT NULL,
	n BIGINT NOT NULL,
	PRIMARY KEY (field, value, n)
) {clustered};
CREATE INDEX issue_value_n ON issue_value (n);

-- What free text is looked for in, folded. indexed is 0 until its pieces are in issue_gram.
CREATE TABLE issue_text (
	n BIGINT NOT NULL PRIMARY KEY,
	indexed BIGINT NOT NULL,
	base {text} NOT NULL,
	notes {text} NOT NULL
);
CREATE INDEX issue_text_new ON issue_text (n) WHERE indexed = 0;
{issue_gram};

-- For scopes. Of findings from before they are filled in as blocks are made.
ALTER TABLE finding ADD COLUMN account {text} NOT NULL DEFAULT '';
ALTER TABLE finding ADD COLUMN format {text} NOT NULL DEFAULT '';

-- Findings that are in no block yet. again is 1 for one that is in a block and has changed.
CREATE TABLE finding_new (
	seq {id},
	id {text} NOT NULL,
	again BIGINT NOT NULL
) {queue};
INSERT INTO finding_new (id, again) SELECT id, 0 FROM finding ORDER BY seen, id;

-- About a thousand findings each, in columns, and which pieces of text they hold.
CREATE TABLE finding_block (
	n {id},
	rows_n BIGINT NOT NULL,
	min_seen BIGINT NOT NULL,
	max_seen BIGINT NOT NULL,
	min_time BIGINT NOT NULL,
	max_time BIGINT NOT NULL,
	shelf BIGINT NOT NULL,
	place BIGINT NOT NULL,
	body {bytes} NOT NULL
);
CREATE INDEX finding_block_seen ON finding_block (max_seen, n);
CREATE INDEX finding_block_time ON finding_block (max_time, n);
CREATE INDEX finding_block_first_seen ON finding_block (min_seen, n);
CREATE INDEX finding_block_first_time ON finding_block (min_time, n);
CREATE INDEX finding_block_loose ON finding_block (n) WHERE shelf = 0;

-- The pieces of a block, a bit each, until it is on a shelf.
CREATE TABLE finding_piece (
	block BIGINT NOT NULL PRIMARY KEY,
	bits {bytes} NOT NULL
);

-- The pieces of 64 blocks together, turned round: a word of 64 bits for each piece.
CREATE TABLE finding_shelf (
	shelf BIGINT NOT NULL,
	slice BIGINT NOT NULL,
	bits {bytes} NOT NULL,
	PRIMARY KEY (shelf, slice)
) {clustered};

-- Where a finding that is in several blocks is as it is now.
CREATE TABLE finding_again (
	id {text} NOT NULL PRIMARY KEY,
	block BIGINT NOT NULL
) {clustered};

-- Which rules, accounts and techniques findings have.
CREATE TABLE finding_value (
	field {text} NOT NULL,
	value {text} NOT NULL,
	PRIMARY KEY (field, value)
) {clustered};
