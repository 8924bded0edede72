-- SHA-256 of each object as it was received, in hexadecimal digits; '' where it was not taken.
ALTER TABLE delivery ADD COLUMN sum {text} NOT NULL DEFAULT '';
ALTER TABLE lake_object ADD COLUMN sum {text} NOT NULL DEFAULT '';
CREATE INDEX delivery_sum ON delivery (sum) WHERE sum <> '';
CREATE INDEX lake_object_sum ON lake_object (sum) WHERE sum <> '';
