"""`wanderbuch governance`: make, check, sign, publish, ask, import and export governance files.

Exit codes: 0 yes (no errors, verified, TRUSTED), 1 no (errors, refused, any other verdict), 2 it could not be asked or
checked (an unreadable file, a bad option, an unreachable host), told in one line.
"""

import typer

from wanderbuch.agents.cli.governance import (
    asking,
    bundling,
    checking,
    exporting,
    importing,
    publishing,
    querying,
    signing,
    starting,
)

app = typer.Typer(help="Make, check, sign, publish and ask governance files.", no_args_is_help=True)

app.command("init")(starting.init)
app.command("validate")(checking.validate)
app.command("diff")(checking.diff)
app.command("sign")(signing.sign)
app.command("verify")(signing.verify)
app.command("publish")(publishing.publish)
app.command("explain")(asking.explain_question)
app.command("query")(querying.query)
app.command("import")(importing.import_list)
app.command("columns")(importing.columns)
app.command("export")(exporting.export)
app.command("bundle")(bundling.bundle)
