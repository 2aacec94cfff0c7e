import numpy as np

from spectranet_jax.spectra import CLASSES
from spectranet_jax.spectra.labels import CONFIDENT, UNKNOWN, from_class_person


def test_classes_have_the_order_of_the_report():
    assert CLASSES == ("STAR", "GALAXY", "QSO", "QSO_BAL") and CONFIDENT == 3


def test_codes_of_visual_inspection():
    codes = np.array([[1, 4, 3], [30, 0, 50]], ">i4")
    label = from_class_person(codes)
    assert label.tolist() == [[0, 1, 2], [3, UNKNOWN, UNKNOWN]] and label.dtype == np.int8
