"""HOW A PROJECT IS KEPT IN ORDER.

`status` how it stands · `doctor` what this machine can do · `repairing` what can be rebuilt · `backups` what cannot ·
`retention` what is kept no longer
"""
