"""The offline authority: two custodians, the district's certificates, roster and manifest.

Pure work on files, without network, service or database. Each custodian works in his own folder on his
own machine; what passes between machines is public, signed or sealed. Only the CLI imports this package,
and the demo.
"""
