"""Stock-taking (专利盘点): what an organisation says of each of its patents, and who has checked it.

Units and their members, a grade, the wish for conversion, the use that is made of it, and the way from the
inventor through the unit to the institution.
"""
