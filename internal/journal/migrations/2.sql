-- Which versions of this schema a program must know to read the file, and to add
-- to it. A migration that only adds tables, or columns that may be left out,
-- leaves these numbers as they are.

CREATE TABLE compatibility (
	min_reader INTEGER NOT NULL,
	min_writer INTEGER NOT NULL
) STRICT;

INSERT INTO compatibility (min_reader, min_writer) VALUES (1, 1);
