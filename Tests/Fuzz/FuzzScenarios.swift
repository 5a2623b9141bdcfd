// What the fuzzer calls with every text that it comes up with: whatever it is, reading it ends, and what was read is
// written and formatted without loss. A violation is a crash, which the fuzzer keeps the text of.
import Language
import Model

@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>?, _ size: Int) -> CInt {
    let bytes = Array(UnsafeBufferPointer(start: start, count: size))
    let parsed = parseScenarios(bytes, file: "fuzz")
    let lineCount = 1 + bytes.count { $0 == 0x0A }
    for diagnostic in parsed.diagnostics {
        precondition(diagnostic.place.line >= 1 && diagnostic.place.line <= lineCount, "a line that is not there")
        precondition(diagnostic.place.column >= 1 && diagnostic.length >= 0, "a column that is not there")
    }
    _ = parseProfiles(bytes, file: "fuzz")
    guard parsed.isWellFormed else { return 0 }
    guard let formatted = formattedScenarios(bytes, file: "fuzz") else { preconditionFailure("cannot be formatted") }
    let again = parseScenarios(Array(formatted.utf8), file: "fuzz")
    precondition(again.values == parsed.values, "formatting has changed the value")
    precondition(formattedScenarios(Array(formatted.utf8), file: "fuzz") == formatted, "formatting twice changes more")
    for scenario in parsed.values {
        let text = scenario.text
        let back = parseScenarios(Array(text.utf8), file: "fuzz")
        precondition(back.isWellFormed && back.values == [scenario], "what was written is not what was read")
        precondition(back.values[0].text == text, "written twice it is another text")
    }
    return 0
}
