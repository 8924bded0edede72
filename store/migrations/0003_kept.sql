-- Where records are kept goes with their files. Files are of one replica; '' is the only one,
-- or one from before this was written down.
ALTER TABLE kept_range ADD COLUMN replica {text} NOT NULL DEFAULT '';
CREATE INDEX kept_range_file ON kept_range (replica, file);
