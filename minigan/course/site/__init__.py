"""The web site: pages staged from the executed notebooks, made by Sphinx, checked afterwards. Nothing is executed.

`stage` writes what Sphinx reads (`pages`, `links`, `notebooks`, `reference`, `front`), `build` runs Sphinx with
`docs/conf.py` and `extension`, `checks` looks at the result.
"""
