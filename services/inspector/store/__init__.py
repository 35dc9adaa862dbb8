"""Every query on 纪委's tables: the log's memory, batches, hits, cases, notices, disputes."""
