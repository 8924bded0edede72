-- Copies of originals, each at the place of a lake. As with files, a row is there before the copy is written. due is when it is looked at whether
-- a record is left that came from the original; 0 is when records of it go.
CREATE TABLE lake_copy (
	number BIGINT NOT NULL PRIMARY KEY,
	place {text} NOT NULL,
	sum {text} NOT NULL,
	size BIGINT NOT NULL,
	name {text} NOT NULL,
	state {text} NOT NULL,
	writer {text} NOT NULL,
	seen BIGINT NOT NULL,
	due BIGINT NOT NULL
);
CREATE UNIQUE INDEX lake_copy_live ON lake_copy (place, sum) WHERE state = 'live';
CREATE INDEX lake_copy_due ON lake_copy (place, due) WHERE state = 'live' AND due > 0;
CREATE INDEX lake_copy_other ON lake_copy (place) WHERE state <> 'live';

-- What rows call an imported object: files have their versions apart in object, and not in rows.
ALTER TABLE lake_object ADD COLUMN row_object {text} NOT NULL DEFAULT '';
UPDATE lake_object SET row_object = object;
CREATE INDEX lake_object_rows ON lake_object (source, row_object);
