-- How many findings were judged in each hour, and in each day by each rule. Blocks are made
-- again, as the counts are made with them.
CREATE TABLE finding_hour (
	hour BIGINT NOT NULL,
	account {text} NOT NULL,
	format {text} NOT NULL,
	n BIGINT NOT NULL,
	PRIMARY KEY (hour, account, format)
) {clustered};
CREATE TABLE finding_day (
	day BIGINT NOT NULL,
	rule {text} NOT NULL,
	account {text} NOT NULL,
	format {text} NOT NULL,
	n BIGINT NOT NULL,
	PRIMARY KEY (day, rule, account, format)
) {clustered};
DELETE FROM finding_new;
DELETE FROM finding_block;
DELETE FROM finding_piece;
DELETE FROM finding_shelf;
DELETE FROM finding_again;
DELETE FROM finding_value;
INSERT INTO finding_new (id, again) SELECT id, 0 FROM finding ORDER BY seen, id;
