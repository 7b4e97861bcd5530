"""Delta tables for every engine whose frames speak Arrow, by way of delta-rs.

`reader` and `saver` have the classes. `locations` opens tables and says what went wrong, `columns` knows what becomes
of Arrow's types, `merging` and `audit` do what mode ``merge`` promises, `commits` tells what a commit did, and
`filters` puts conditions into words. `options` is what a row can say.
"""
