"""HOW A NIGHT'S RECORDINGS BECOME CALLS: the parts of the batch that `night` puts together.

Before      `backlog` which recordings, in which order · `claims` who goes first · `moved` those that lie elsewhere now ·
            `disk` room for it
Meanwhile   `shift` the recordings on their way · `front` all but the words, in processes of its own · `intake` known, or to be
            heard; kept with its words · `heard` what sound and words tell · `progress`
After       `late` records that come later · `reporting` what was done
"""
