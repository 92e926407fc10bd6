"""System checks: every way a host can wire the app wrongly, each with an id and a hint that says what to change.

A check is a function of settings, models and URLconf. It makes no query and raises nothing, whatever it finds: a
configuration that is broken must still give messages. This module stays empty, so that ``installed`` can be imported
where nothing else of the package can.
"""
