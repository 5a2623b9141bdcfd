import Glibc
import Harness

extension CommandLineTool {
    private static let reportTable = OptionTable<RunOptions>(
        verb: "report", options: RunOptions.reporting,
        operand: { (options, word) throws(BadUsage) in options.paths.append(word) })

    /// `harness report`: judges recorded runs again, and draws them. It runs nothing, and needs no privileges.
    static func report(_ arguments: [String]) -> Int32 {
        do {
            var options = RunOptions()
            try reportTable.read(arguments, into: &options)
            if options.paths.isEmpty {
                return complain("report takes a journal that `harness run --journal FILE` has recorded")
            }
            var reports: [RunReport] = []
            for path in options.paths {
                do {
                    reports.append(
                        try JournalFile.read(SourceFile.bytes(of: path, atMost: SourceFile.journalLimitInBytes)))
                } catch {
                    return complain("\(path): \(error)")
                }
            }
            let whole = RunReport.merged(reports)
            if let whole = whole.noteOfInterruption {
                write("harness: \(whole): the journal is not whole\n", to: STDERR_FILENO)
            }
            return try finish(whole, [:], options, try Outputs(options))
        } catch let error as BadUsage {
            return complain(error.message)
        } catch {
            write("harness: \(error)\n", to: STDERR_FILENO)
            return Status.cannotRun
        }
    }
}
