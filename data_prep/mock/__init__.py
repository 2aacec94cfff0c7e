"""A mock survey: spectra of the four classes from nothing but published physics.

Synopsis:

    from data_prep.mock.survey import blocks

    for block in blocks({"STAR": 512, "GALAXY": 512, "QSO": 512, "QSO_BAL": 512}, seed=1):
        block.flux, block.ivar, block.label, block.z
"""
