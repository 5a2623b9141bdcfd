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
                return complain(
                    "report takes a journal that `harness run --journal FILE` has recorded, or a page of --html")
            }
            let reports = try options.paths.map { path throws(BadUsage) in
                var report = try recordedRun(at: path)
                report.results.removeAll { !$0.scenario.matches(filters: options.filters, tags: []) }
                if let isBad = options.flakinessIsBad {
                    for index in report.results.indices { report.results[index].isFlakinessBad = isBad }
                }
                return report
            }
            if !options.filters.isEmpty, reports.allSatisfy(\.results.isEmpty) {
                return complain("--filter: no recorded run has a title with this text")
            }
            if options.showsDifference { return try showDifference(of: reports, options) }
            var whole: RunReport
            do {
                whole = try RunReport.merged(reports)
            } catch {
                return complain("\(options.paths.joined(separator: ", ")): \(error)")
            }
            if options.format != HumanReport.name, let note = whole.noteOfInterruption {
                write("harness: \(note)\n", to: STDERR_FILENO)
            }
            var suite = Suite()
            for path in options.otherExpectations { suite.addScenarios(at: path) }
            if let complaint = suite.complaints.first(where: \.hasErrors) {
                write(complaint.humanText(), to: STDERR_FILENO)
                return Status.usage
            }
            if !options.otherExpectations.isEmpty {
                let (count, mismatches) = whole.judge(by: suite.scenarios)
                for mismatch in mismatches { write("harness: not judged anew: \(mismatch)\n", to: STDERR_FILENO) }
                if count == 0 {
                    return complain(
                        "--expect: no scenario there can judge what was recorded: titles and steps must be the same")
                }
            }
            var accepted = Accepted()
            if let folder = Installation.find(fakeServices: nil).scenarios { suite.addProfiles(at: folder + "/inits") }
            accepted.peers = suite.profiles.compactMap(Peer.init)
            for profile in suite.profiles { accepted.known[profile.name] = profile.knownFailures }
            for file in options.knownFiles { accepted.known.merge(suite.knownFailures(at: file)) { $0 + $1 } }
            if let complaint = suite.complaints.first(where: \.hasErrors) { return complain(complaint.humanText()) }
            accepted.baseline = try options.baseline.map { path throws(BadUsage) in try baseline(at: path) }
            // Whether all scenarios of a row are in it is not said: nothing is held against what has passed.
            accepted.mark(&whole, isWhole: false)
            let outputs: Outputs
            do {
                outputs = try Outputs(options)
            } catch {
                write("harness: \(error.message)\n", to: STDERR_FILENO)
                return Status.cannotRun
            }
            return try finish(whole, [:], options, outputs, peers: accepted.peers)
        } catch let error as BadUsage {
            return complain(error.message)
        } catch {
            write("harness: \(error)\n", to: STDERR_FILENO)
            return Status.cannotRun
        }
    }

    /// Two recorded runs side by side; exit status 1 where their verdicts are not the same.
    private static func showDifference(of reports: [RunReport], _ options: RunOptions) throws(BadUsage) -> Int32 {
        guard reports.count == 2 else {
            throw BadUsage(message: "--diff takes two recorded runs, not \(reports.count)")
        }
        guard DifferenceReport.haveSomethingInCommon(reports[0], reports[1]) else {
            throw BadUsage(message: "--diff: no scenario with the same init is in both")
        }
        let report = DifferenceReport(style: style(options.colour, STDOUT_FILENO), isWhole: options.isVerbose)
        return print(
            report.text(reports[0], reports[1], names: (options.paths[0], options.paths[1])),
            DifferenceReport.verdictsDiffer(reports[0], reports[1]) ? Status.failed : Status.passed)
    }

    /// A run that another is held against.
    static func baseline(at path: String) throws(BadUsage) -> Baseline {
        Baseline(try recordedRun(at: path), named: path)
    }

    /// A recorded journal, or a page that has one in it.
    private static func recordedRun(at path: String) throws(BadUsage) -> RunReport {
        do {
            let bytes = try SourceFile.bytes(of: path, atMost: SourceFile.journalLimitInBytes)
            let journal = try RecordedPage.journal(in: bytes) { Gzip.decompressed($0) }
            return try JournalFile.read(journal ?? bytes)
        } catch {
            throw BadUsage(message: "\(path): \(error)")
        }
    }
}
