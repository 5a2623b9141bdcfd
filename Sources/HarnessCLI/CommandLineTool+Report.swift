import Glibc
import Harness

extension CommandLineTool {
    private static let reportTable = OptionTable<RunOptions>(
        verb: "report", options: RunOptions.ofReport,
        operand: { (options, word) throws(BadUsage) in options.paths.append(word) })

    /// `harness report`: judges recorded runs again, and draws them. It runs nothing, and needs no privileges.
    static func report(_ arguments: [String]) -> Int32 {
        do {
            var options = RunOptions()
            try reportTable.read(arguments, into: &options)
            try options.check()
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
            var whole = RunReport.merged(reports)
            if let note = whole.noteOfInterruption { write("harness: \(note)\n", to: STDERR_FILENO) }
            var suite = Suite()
            var known: [String: [KnownFailure]] = [:]
            if let folder = Installation.find(fakeServices: nil).scenarios { suite.addProfiles(at: folder + "/inits") }
            for profile in suite.profiles { known[profile.name] = profile.knownFailures }
            for file in options.knownFiles { known.merge(suite.knownFailures(at: file)) { $0 + $1 } }
            if let complaint = suite.complaints.first(where: \.hasErrors) { return complain(complaint.humanText()) }
            // Whether all scenarios of a row are in it is not said: nothing is held against what has passed.
            whole.note(known: known, isWhole: false)
            do {
                return try finish(whole, [:], options, try Outputs(options))
            } catch let error as BadUsage {
                write("harness: \(error.message)\n", to: STDERR_FILENO)
                return Status.cannotRun
            }
        } catch let error as BadUsage {
            return complain(error.message)
        } catch {
            write("harness: \(error)\n", to: STDERR_FILENO)
            return Status.cannotRun
        }
    }
}
