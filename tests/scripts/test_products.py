"""What a benchmark reads off a compiled program; of lowered ones see `games/test_precision.py`."""

import importlib.util
from pathlib import Path

PATH = Path(__file__).parents[2] / "scripts" / "benchmarks" / "products.py"
# Lines of programs compiled for a TPU and for a GPU, shortened.
ELSEWHERE = """
  %a.1 = bf16[3,4]{1,0:T(8,128)(2,1)} parameter(0)
  %b.2 = f32[4,5]{1,0} parameter(1)
  ROOT %c = bf16[3,5]{1,0} convolution(%a.1, %a.1), dim_labels=bf_io->bf, metadata={op_name="one"}
  %d = (f32[3,5]{1,0}, s8[9]{0}) custom-call(%a.1, %b.2), custom_call_target="__cublas$gemm"
  %e = f32[3,5]{1,0} dot(bf16[3,4]{1,0:T(8,128)} %a.1, f32[4,5]{1,0} %d), metadata={op_name="two"}
  %f = f32[3,5]{1,0} custom-call(%a.1, %b.2), custom_call_target="TopK"
"""


def test_products_of_compiled_programs():
    spec = importlib.util.spec_from_file_location("products", PATH)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    found = [(product.dtypes, product.scope) for product in module.compiled_products(ELSEWHERE)]
    assert found == [(("bf16", "bf16"), "one"), (("bf16", "f32"), ""), (("bf16", "f32"), "two")]
