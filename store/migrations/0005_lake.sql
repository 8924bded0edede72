-- The files of lakes, each at a place of its own: replicas that share a place share a lake. A row is there before its file is written (state 'writing'), so that
-- whatever a crash leaves behind is known by name.
CREATE TABLE lake_file (
	number BIGINT NOT NULL PRIMARY KEY,
	place {text} NOT NULL,
	seq BIGINT NOT NULL,
	state {text} NOT NULL,
	hold BIGINT NOT NULL,
	writer {text} NOT NULL,
	format {text} NOT NULL,
	day {text} NOT NULL,
	head {text} NOT NULL,
	raw {text} NOT NULL,
	row_count BIGINT NOT NULL,
	repeats BIGINT NOT NULL,
	raw_bytes BIGINT NOT NULL,
	head_size BIGINT NOT NULL,
	raw_size BIGINT NOT NULL,
	min_time BIGINT NOT NULL,
	max_time BIGINT NOT NULL,
	min_seen BIGINT NOT NULL,
	max_seen BIGINT NOT NULL,
	head_sum {bytes} NOT NULL,
	raw_sum {bytes} NOT NULL,
	created BIGINT NOT NULL
);
CREATE INDEX lake_file_partition ON lake_file (place, state, format, day);
CREATE INDEX lake_file_seq ON lake_file (place, seq);

-- Records that were left out of a partition because they are in the lake already.
CREATE TABLE lake_repeats (
	place {text} NOT NULL,
	format {text} NOT NULL,
	day {text} NOT NULL,
	n BIGINT NOT NULL,
	PRIMARY KEY (place, format, day)
) {clustered};

-- Objects all records of which are in the lake, for an import that is begun again.
CREATE TABLE lake_object (
	place {text} NOT NULL,
	source {text} NOT NULL,
	object {text} NOT NULL,
	records BIGINT NOT NULL,
	at BIGINT NOT NULL,
	PRIMARY KEY (place, source, object)
) {clustered};
