"""Files: csv, json, jsonl, parquet, orc, avro and text, read and saved by one way of looking at them."""
