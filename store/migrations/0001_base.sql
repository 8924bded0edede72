-- One schema for both dialects. {text} is text that compares byte by byte, {bytes} are
-- bytes, {id} is a number that the database gives, {clustered} keeps rows in the order of
-- the key where the dialect can, {queue} is the storage of a table whose rows come and go.
-- No column is NULL. Times are nanoseconds since 1970, 0 is none.

CREATE TABLE delivery (
	source {text} NOT NULL,
	object {text} NOT NULL,
	name {text} NOT NULL,
	received BIGINT NOT NULL,
	judged BIGINT NOT NULL,
	kept BIGINT NOT NULL,
	total BIGINT NOT NULL,
	repeats BIGINT NOT NULL,
	broken BIGINT NOT NULL,
	own BIGINT NOT NULL,
	findings BIGINT NOT NULL,
	attempts BIGINT NOT NULL,
	error {text} NOT NULL,
	done BIGINT NOT NULL,
	first_event BIGINT NOT NULL,
	last_event BIGINT NOT NULL,
	PRIMARY KEY (source, object)
) {clustered};
CREATE INDEX delivery_waiting ON delivery (source, object) WHERE done = 0;
CREATE INDEX delivery_oldest ON delivery (source, received) WHERE done = 0;

CREATE TABLE source_total (
	source {text} NOT NULL,
	shard BIGINT NOT NULL,
	objects BIGINT NOT NULL,
	objects_done BIGINT NOT NULL,
	received BIGINT NOT NULL,
	judged BIGINT NOT NULL,
	kept BIGINT NOT NULL,
	repeats BIGINT NOT NULL,
	broken BIGINT NOT NULL,
	own BIGINT NOT NULL,
	findings BIGINT NOT NULL,
	last_event BIGINT NOT NULL,
	last_error {text} NOT NULL,
	told BIGINT NOT NULL,
	PRIMARY KEY (source, shard)
) {clustered};

CREATE TABLE finding (
	id {text} NOT NULL PRIMARY KEY,
	issue_id {text} NOT NULL,
	episode BIGINT NOT NULL,
	severity BIGINT NOT NULL,
	rule_id {text} NOT NULL,
	suppressed BIGINT NOT NULL,
	superseded BIGINT NOT NULL DEFAULT 0,
	generation {text} NOT NULL,
	seen BIGINT NOT NULL,
	clauses {bytes} NOT NULL,
	digest {bytes} NOT NULL,
	body {bytes} NOT NULL
);
CREATE INDEX finding_issue ON finding (issue_id, seen, id) WHERE issue_id <> '';
CREATE INDEX finding_seen ON finding (seen, id);

CREATE TABLE window_group (
	grp {bytes} NOT NULL PRIMARY KEY,
	corr {bytes} NOT NULL,
	name {bytes} NOT NULL,
	row_count BIGINT NOT NULL,
	stamp BIGINT NOT NULL,
	dirty BIGINT NOT NULL,
	due BIGINT NOT NULL,
	touched BIGINT NOT NULL,
	owner {text} NOT NULL,
	sealed {bytes} NOT NULL
) {clustered};
CREATE INDEX window_group_due ON window_group (due, grp) WHERE dirty = 1;
CREATE INDEX window_group_idle ON window_group (touched) WHERE dirty = 0;

CREATE TABLE window_row (
	grp {bytes} NOT NULL,
	sort {bytes} NOT NULL,
	origin {bytes} NOT NULL,
	body {bytes} NOT NULL,
	arrived BIGINT NOT NULL,
	PRIMARY KEY (grp, sort)
) {clustered} {queue};
CREATE INDEX window_row_origin ON window_row (origin) WHERE length(origin) > 0;

CREATE TABLE issue (
	id {text} NOT NULL PRIMARY KEY,
	cause_key {text} NOT NULL UNIQUE,
	version BIGINT NOT NULL,
	status {text} NOT NULL,
	severity BIGINT NOT NULL,
	account {text} NOT NULL,
	rule_id {text} NOT NULL,
	umbrella {text} NOT NULL,
	updated BIGINT NOT NULL,
	search {text} NOT NULL,
	body {bytes} NOT NULL
);
CREATE INDEX issue_list ON issue (status, severity, updated, id);
CREATE INDEX issue_account ON issue (account, updated, id);
CREATE INDEX issue_rule ON issue (rule_id, updated, id);
CREATE INDEX issue_umbrella ON issue (umbrella, updated, id) WHERE umbrella <> '';

CREATE TABLE cause (
	cause_key {text} NOT NULL PRIMARY KEY,
	issue_id {text} NOT NULL
) {clustered};

CREATE TABLE issue_tally (
	issue_id {text} NOT NULL PRIMARY KEY,
	findings BIGINT NOT NULL,
	first_seen BIGINT NOT NULL,
	last_seen BIGINT NOT NULL,
	entries BIGINT NOT NULL
) {clustered};

CREATE TABLE issue_count (
	seq {id},
	issue_id {text} NOT NULL,
	findings BIGINT NOT NULL,
	first_seen BIGINT NOT NULL,
	last_seen BIGINT NOT NULL
) {queue};
CREATE INDEX issue_count_issue ON issue_count (issue_id);

CREATE TABLE episode (
	issue_id {text} NOT NULL,
	n BIGINT NOT NULL,
	body {bytes} NOT NULL,
	PRIMARY KEY (issue_id, n)
) {clustered};

CREATE TABLE entry (
	issue_id {text} NOT NULL,
	seq BIGINT NOT NULL,
	body {bytes} NOT NULL,
	PRIMARY KEY (issue_id, seq)
) {clustered};

CREATE TABLE lane (
	sink {text} NOT NULL,
	issue_id {text} NOT NULL,
	last_seq BIGINT NOT NULL,
	waiting BIGINT NOT NULL,
	last_update {text} NOT NULL,
	PRIMARY KEY (sink, issue_id)
) {clustered};

CREATE TABLE notice (
	id {text} NOT NULL PRIMARY KEY,
	sink {text} NOT NULL,
	issue_id {text} NOT NULL,
	seq BIGINT NOT NULL,
	op {text} NOT NULL,
	state BIGINT NOT NULL,
	head BIGINT NOT NULL,
	created BIGINT NOT NULL,
	due BIGINT NOT NULL,
	owner {text} NOT NULL,
	attempts BIGINT NOT NULL,
	unsure BIGINT NOT NULL,
	first_tried BIGINT NOT NULL,
	done BIGINT NOT NULL,
	last_error {text} NOT NULL,
	detail {text} NOT NULL,
	body {bytes} NOT NULL
);
CREATE INDEX notice_due ON notice (sink, due, id) WHERE state = 0 AND head = 1;
CREATE INDEX notice_lane ON notice (sink, issue_id, seq) WHERE state = 0;
CREATE INDEX notice_list ON notice (sink, state, id);
CREATE INDEX notice_issue ON notice (issue_id, id) WHERE issue_id <> '';

CREATE TABLE sink_total (
	sink {text} NOT NULL,
	shard BIGINT NOT NULL,
	owed BIGINT NOT NULL,
	delivered BIGINT NOT NULL,
	dead BIGINT NOT NULL,
	folded BIGINT NOT NULL,
	doubled BIGINT NOT NULL,
	last_error {text} NOT NULL,
	told BIGINT NOT NULL,
	PRIMARY KEY (sink, shard)
) {clustered};

CREATE TABLE ticket (
	sink {text} NOT NULL,
	issue_id {text} NOT NULL,
	ref {text} NOT NULL,
	url {text} NOT NULL,
	PRIMARY KEY (sink, issue_id)
) {clustered};
CREATE INDEX ticket_ref ON ticket (sink, ref);
CREATE INDEX ticket_issue ON ticket (issue_id);

CREATE TABLE change_seen (
	via {text} NOT NULL,
	id {text} NOT NULL,
	at BIGINT NOT NULL,
	PRIMARY KEY (via, id)
) {clustered};

CREATE TABLE dead_letter (
	id {text} NOT NULL PRIMARY KEY,
	retried BIGINT NOT NULL,
	body {bytes} NOT NULL,
	record {bytes} NOT NULL
);
CREATE INDEX dead_letter_waiting ON dead_letter (id) WHERE retried = 0;

CREATE TABLE kept_range (
	source {text} NOT NULL,
	object {text} NOT NULL,
	first BIGINT NOT NULL,
	records BIGINT NOT NULL,
	format {text} NOT NULL,
	file {text} NOT NULL,
	start BIGINT NOT NULL,
	length BIGINT NOT NULL,
	min_time BIGINT NOT NULL,
	max_time BIGINT NOT NULL,
	checksum {bytes} NOT NULL,
	PRIMARY KEY (source, object, first)
) {clustered};

CREATE TABLE state (
	name {text} NOT NULL PRIMARY KEY,
	value {bytes} NOT NULL
);

CREATE TABLE received (
	id {id},
	source {text} NOT NULL,
	at BIGINT NOT NULL,
	due BIGINT NOT NULL,
	owner {text} NOT NULL,
	attempts BIGINT NOT NULL,
	body {bytes} NOT NULL
) {queue};
CREATE INDEX received_due ON received (source, due, id);

CREATE TABLE counter (
	name {text} NOT NULL,
	shard BIGINT NOT NULL,
	n BIGINT NOT NULL,
	PRIMARY KEY (name, shard)
) {clustered};

-- The last transaction that each writer committed: what a commit without an answer is
-- looked up by. It is no part of a backup.
CREATE TABLE commit_mark (
	slot {text} NOT NULL PRIMARY KEY,
	tx BIGINT NOT NULL,
	at BIGINT NOT NULL
);

-- When the counter-event of a cause was seen last, for findings that come after it.
CREATE TABLE counter_event (
	cause_key {text} NOT NULL PRIMARY KEY,
	at BIGINT NOT NULL
) {clustered};
