// Package storetest is the conformance suite that every store must pass: the
// arrows of the state diagrams, the fences, and what must hold when many do the
// same at once.
package storetest

import (
	"context"
	"testing"
	"time"

	"drawbridge/server/auth"
	"drawbridge/server/dispatch"
	"drawbridge/server/export"
	"drawbridge/server/guard"
	"drawbridge/server/mailwatch"
	"drawbridge/server/retention"
	"drawbridge/server/webhook"
	"drawbridge/tools/mcpmount"
	"drawbridge/tools/schedule"
)

// Store is what the suite exercises.
type Store interface {
	webhook.Inbox
	dispatch.Store
	dispatch.DeadStore
	guard.Ledger
	guard.ApprovalBook
	guard.Totals
	OwnSecret(ctx context.Context, name string) ([]byte, error)
	auth.Counter
	auth.KeyStore
	webhook.Meter
	mcpmount.Book
	mailwatch.Store
	// Event gives one event, Held says what a run waits for, Replay has an event routed
	// again: for those who look.
	Event(ctx context.Context, id string) (dispatch.StoredEvent, error)
	Held(ctx context.Context, run dispatch.Run) (dispatch.Hold, error)
	Replay(ctx context.Context, event string) error
	retention.Store
	// What commands look at.
	Callbacks(ctx context.Context, run string) ([]dispatch.Callback, error)
	Rejections(ctx context.Context, source string, limit int) ([]webhook.Rejection, error)
	Audit(ctx context.Context, run string, limit int) ([]guard.Row, error)
	schedule.Driver
	export.Store
}

// Harness is one empty store under a clock that the suite moves.
type Harness interface {
	Store() Store
	// Advance moves the store's clock.
	Advance(d time.Duration)
	// Now is the store's clock.
	Now() time.Time
	// Restart closes the store and opens it again, as after a crash of its owner.
	Restart(t *testing.T)
	// Fresh gives another empty store.
	Fresh(t *testing.T) Harness
}

// Run runs the suite. open gives a fresh harness for each test.
func Run(t *testing.T, open func(t *testing.T) Harness) {
	t.Helper()
	for name, test := range map[string]func(*testing.T, Harness){
		"Approvals/AreKeptWhole":                                     approvalIsKeptWhole,
		"Approvals/SameCallFindsItsOwn":                              sameCallFindsItsApproval,
		"Approvals/HoldForOneVersionOfTheRules":                      approvalHoldsForOneVersionOfTheRules,
		"Approvals/AreUsedOnce":                                      approvalIsUsedOnce,
		"Approvals/AreUsedWithTheClaim":                              approvalIsUsedWithItsClaim,
		"Approvals/RunOut":                                           approvalRunsOut,
		"Approvals/DenialStandsForAWhileUnderAnyKey":                 denialStandsForAWhileUnderAnyKey,
		"Approvals/OnlyWhoMayDecidesOnce":                            onlyWhoMayDecidesOnce,
		"Approvals/ConcurrentDecisionsEndThemOnce":                   concurrentDecisionsEndItOnce,
		"Approvals/DecisionWakesTheRun":                              decisionWakesItsRun,
		"Approvals/WatcherHearsOfTheDecision":                        watcherHearsOfTheDecision,
		"Approvals/AreListed":                                        approvalsAreListed,
		"Approvals/NoticesAreOwedUntilTold":                          noticesAreOwedUntilTold,
		"Approvals/PostingFollowsItsApproval":                        postingFollowsItsApproval,
		"Approvals/PostingIsDueWhenItsApprovalExpires":               postingIsDueWhenItsApprovalExpires,
		"Approvals/PostingThatWasFoundIsKeptOnce":                    postingThatWasFoundIsKeptOnce,
		"Mail/PositionIsKept":                                        mailPositionIsKept,
		"Mail/BeginsOnlyWhereItWas":                                  mailBeginsOnlyWhereItWas,
		"Mail/IsAcceptedWithItsPosition":                             mailIsAcceptedWithItsPosition,
		"Mail/OfTwoReadersIsAcceptedOnce":                            mailOfTwoReadersIsAcceptedOnce,
		"Secrets/AreMadeOnce":                                        secretsAreMadeOnce,
		"Approvals/GoByAge":                                          approvalsGoByAge,
		"Totals/AddUpWhatFits":                                       totalsAddUpWhatFits,
		"Totals/KeepTheirOrder":                                      totalsKeepTheirOrder,
		"Totals/OfCallsAtOnceSeeEachOther":                           totalsOfCallsAtOnceSeeEachOther,
		"Totals/ForgetWhatCountsNoMore":                              totalsForgetWhatCountsNoMore,
		"Totals/CallsOfARunAreCounted":                               callsOfARunAreCounted,
		"Limits/RateOfACallerIsKept":                                 rateOfACallerIsKept,
		"Limits/TestRUN09_RequestsUnderWayCountUntilTheirTimeIsOver": requestsUnderWayCountUntilTheirTimeIsOver,
		"Limits/TestRUN09_DeliveriesAreTakenOfOneMeasure":            deliveriesAreTakenOfOneMeasure,
		"Limits/ConcurrentRequestsAreCountedOneByOne":                concurrentRequestsOfACallerAreCountedOneByOne,
		"Journal/RowsPutAsideAreWrittenWithIt":                       rowsPutAsideAreWrittenWithTheJournal,
		"Inbox/RejectionsAreARing":                                   rejectionsAreARing,
		"Inbox/StoresTheExactBytes":                                  storesTheExactBytes,
		"Inbox/SameKeyGivesTheFirstEvent":                            sameKeyGivesTheFirstEvent,
		"Inbox/TestING09_ConcurrentDuplicatesMakeOneEvent":           concurrentDuplicatesMakeOneEvent,
		"Inbox/TestING11_WeakKeyCountsForItsWindowOnly":              weakKeyCountsForItsWindowOnly,
		"Inbox/TestING10_KeysCountFromWhenTheyWereLastSeen":          keysCountFromWhenTheyWereLastSeen,
		"Inbox/TestING11_WeakKeyCountsNoLongerThanTheSourceSays":     weakKeyCountsNoLongerThanTheSourceSays,
		"Inbox/TestING12_DuplicateOfAFailedEventRunsAgain":           duplicateOfAFailedEventRunsAgain,
		"Inbox/TestING12_FaultyEventRunsAgain":                       duplicateOfAnEventThatCouldNotBeRoutedRunsAgain,
		"Inbox/KeysOfDifferentSourcesDoNotMeet":                      keysOfDifferentSourcesDoNotMeet,
		"Events/AreClaimedOnceWhileLeased":                           eventsAreClaimedOnceWhileLeased,
		"Events/AreClaimedAgainWhenTheLeaseRunsOut":                  eventsAreClaimedAgainWhenTheLeaseRunsOut,
		"Events/AcceptedAtOnceAreClaimedOnceEach":                    eventsAcceptedAtOnceAreClaimedOnceEach,
		"Events/PutOffAreClaimedInTurn":                              eventsPutOffAreClaimedInTurn,
		"Events/RoutedAgainAreClaimedOnce":                           eventsRoutedAgainAreClaimedOnce,
		"Events/BehindThoseRemovedAreClaimed":                        eventsBehindThoseRemovedAreClaimed,
		"Events/AreDueSinceTheyCame":                                 eventsAreDueSinceTheyCame,
		"Events/RouteMakesOneRun":                                    routeMakesOneRun,
		"Events/IgnoredMakesNoRun":                                   ignoredMakesNoRun,
		"Events/RouteMakesARunOfEachRoute":                           routeMakesARunOfEachRoute,
		"Events/RouteIsAllOrNothing":                                 routeIsAllOrNothing,
		"Events/ReplayGoesToTheEnd":                                  replayGoesToTheEnd,
		"Gates/RunsOfASubjectGoOneAtATime":                           runsOfASubjectGoOneAtATime,
		"Gates/LaterRunsWaitForEarlierEvents":                        laterRunsWaitForEarlierEvents,
		"Gates/UnorderedRunsWaitForNobody":                           unorderedRunsWaitForNobody,
		"Gates/ParkedRunKeepsItsPlace":                               parkedRunKeepsItsPlace,
		"Gates/CancelledRunLetsTheNextGo":                            cancelledRunLetsTheNextGo,
		"Gates/CancelledRunIsClaimedAtItsGate":                       cancelledRunIsClaimedAtItsGate,
		"Gates/BoundsOfRouteAndSourceHold":                           boundsOfRouteAndSourceHold,
		"Gates/ChangedBoundsLetGo":                                   changedBoundsLetGo,
		"Gates/ChangedOrderHoldsForWhatWaits":                        changedOrderHoldsForWhatWaits,
		"Gates/TestRUN09_PlacesOutliveARestart":                      placesOutliveARestart,
		"Gates/PriorityGoesFirst":                                    priorityGoesFirst,
		"Gates/PriorityStaysWithTheRun":                              priorityStaysWithTheRun,
		"Gates/DelayedRunWaitsForItsTimeThenForOthers":               delayedRunWaitsForItsTimeThenForOthers,
		"Gates/HeldRunIsNotClaimedByItsID":                           heldRunIsNotClaimedByItsID,
		"Gates/OrderHoldsUnderLoad":                                  orderHoldsUnderLoad,
		"Gates/LastOfARowSpeaksForAll":                               lastOfARowSpeaksForAll,
		"Gates/RowOfEventsEnds":                                      rowOfEventsEnds,
		"Gates/OlderEventDoesNotTakeThePlace":                        olderEventDoesNotTakeThePlace,
		"Gates/DebouncedByOneRouteIsRoutedByAnother":                 debouncedByOneRouteIsRoutedByAnother,
		"Gates/CancelledRowBeginsAnew":                               cancelledRowBeginsAnew,
		"Gates/NewerEventGoesBehindWhatWaits":                        newerEventGoesBehindWhatWaits,
		"Runs/BudgetIsKeptWithTheRun":                                budgetIsKeptWithTheRun,
		"Runs/TestRUN02_LapsedLeaseIsClaimedUnderAHigherEpoch":       claimRaisesTheEpoch,
		"Runs/TestRUN03_StaleLeaseCannotWrite":                       staleLeaseCannotWrite,
		"Runs/ParkedRunIsDueAtItsTime":                               parkedRunIsDueAtItsTime,
		"Runs/ProgressEndsTheRowOfFaults":                            progressEndsTheRowOfFaults,
		"Runs/ReleasedRunIsDueAtOnce":                                releasedRunIsDueAtOnce,
		"Runs/FinishEndsJournalJobAndOwesTheCallback":                finishEndsJournalJobAndOwesTheCallback,
		"Runs/FinishTakesTheLastEntriesWithIt":                       finishTakesTheLastEntriesWithIt,
		"Runs/FinishIsAllOrNothing":                                  finishIsAllOrNothing,
		"Runs/ConcurrentClaimsShareNothing":                          concurrentClaimsShareNothing,
		"Runs/WorkedLeavesWaitingOut":                                workedLeavesWaitingOut,
		"Runs/ClaimRunTakesThatOneOnly":                              claimRunTakesThatOneOnly,
		"Runs/CancelEndsWhatNobodyCarries":                           cancelEndsWhatNobodyCarries,
		"Runs/CancelIsAskedOfWhoCarriesTheRun":                       cancelIsAskedOfWhoCarriesTheRun,
		"Runs/CancelIsAskedWhereACallbackIsOwed":                     cancelIsAskedWhereACallbackIsOwed,
		"Runs/CancelOfAnEndedRunChangesNothing":                      cancelOfAnEndedRunChangesNothing,
		"Runs/CancelledRunIsDueWhenItIsPutDown":                      cancelledRunIsDueWhenItIsPutDown,
		"Runs/CancelWakesWhoHasToStop":                               cancelWakesWhoHasToStop,
		"Runs/ConcurrentCancelsEndARunOnce":                          concurrentCancelsEndARunOnce,
		"Runs/ClaimTellsWhatTheRunWasParkedFor":                      claimTellsWhatTheRunWasParkedFor,
		"Runs/SubmittedIsQueuedAsItWasAsked":                         submittedRunIsQueuedAsItWasAsked,
		"Runs/SubmittedUnderAKnownKeyIsTheFirst":                     submittedUnderAKnownKeyIsTheFirstRun,
		"Runs/SubmittedAtOnceUnderOneKeyIsOne":                       submittedAtOnceUnderOneKeyIsOneRun,
		"Runs/IsNotDueBeforeItMayStart":                              runIsNotDueBeforeItMayStart,
		"Runs/MoreUrgentGoesFirst":                                   moreUrgentRunGoesFirst,
		"Runs/ListShowsThoseThatFit":                                 listShowsTheRunsThatFit,
		"Runs/ListGoesOnBehindAMark":                                 listGoesOnBehindAMark,
		"Runs/UndecidedIsNeverDue":                                   undecidedRunIsNeverDue,
		"Runs/AwaitedApprovalWakesWithTheDecision":                   runThatAwaitsAnApprovalIsDueWithTheDecision,
		"Runs/AwaitedApprovalWakesWhenItExpires":                     runThatAwaitsAnApprovalIsDueWhenThatExpires,
		"Runs/AwaitedApprovalDecidedOnTheWay":                        decisionIsNotMissedOnTheWay,
		"Runs/AwaitedApprovalDecidedAtOnce":                          decisionAndParkingAtOnce,
		"Runs/EndWithdrawsApprovals":                                 endedRunWithdrawsItsApprovals,
		"Runs/DecidedGoesOn":                                         decidedRunGoesOn,
		"Runs/DecisionNeedsARunThatWaitsForIt":                       decisionNeedsARunThatWaitsForIt,
		"Runs/ConcurrentDecisionsCountOnce":                          concurrentDecisionsCountOnce,
		"Runs/WatchTellsOfEachChange":                                watchTellsOfEachChange,
		"Live/BeginIsRunningWithItsBrief":                            beginIsRunningWithItsBrief,
		"Live/BeginIsAllOrNothing":                                   beginIsAllOrNothing,
		"Live/SameKeyIsTheSameRun":                                   sameKeyIsTheSameRun,
		"Live/RequestWithoutAKeyIsFoundByWhatItAskedFor":             requestWithoutAKeyIsFoundByWhatItAskedFor,
		"Live/SameKeyAtOnceMakesOneRun":                              sameKeyAtOnceMakesOneRun,
		"Live/KeysOfDifferentOwnersDoNotMeet":                        keysOfDifferentOwnersDoNotMeet,
		"Live/ContinueAppendsAndClaims":                              continueAppendsAndClaims,
		"Live/ContinueNeedsARunThatWaits":                            continueNeedsARunThatWaits,
		"Live/ContinueUnderAKnownKeyChangesNothing":                  continueUnderAKnownKeyChangesNothing,
		"Usage/FinishKeepsAllOfIt":                                   finishKeepsAllOfIt,
		"Usage/DayAddsUpWhatRunsSpend":                               dayAddsUpWhatRunsSpend,
		"Usage/DayEndsAtMidnightUTC":                                 dayEndsAtMidnightUTC,
		"Usage/DayCountsTheTimeWorked":                               dayCountsTheTimeWorked,
		"Usage/DayBeginsAnewInAnotherCurrency":                       dayBeginsAnewInAnotherCurrency,
		"Usage/FencedWorkerSpendsNothing":                            fencedWorkerSpendsNothing,
		"Schedules/TimeBecomesOneRun":                                timeBecomesOneRun,
		"Schedules/TimeIsNotHalfDealtWith":                           timeIsNotHalfDealtWith,
		"Schedules/ConcurrentStepsMakeOneRun":                        concurrentStepsMakeOneRun,
		"Schedules/OverlapLeavesOutOrQueues":                         overlapLeavesOutOrQueues,
		"Schedules/PlannedAgainGoesOnOrAnew":                         plannedAgainGoesOnOrAnew,
		"Schedules/PauseHoldsUntilResumed":                           pauseHoldsUntilResumed,
		"Schedules/RunNowLeavesThePlan":                              runNowLeavesThePlan,
		"Schedules/OnlyWhatSettingsDoNotNameIsDeleted":               onlyWhatSettingsDoNotNameIsDeleted,
		"Schedules/QueueAndMemoryOfTimesAreBounded":                  queueAndMemoryOfTimesAreBounded,
		"Schedules/PlanningWakesWhoWaits":                            planningWakesWhoWaits,
		"Schedules/TimeThatComesTwiceIsDealtWithOnce":                timeThatComesTwiceIsDealtWithOnce,
		"Crashes/LoseAndDoubleNothing":                               crashAnywhereLosesAndDoublesNothing,
		"Clock/SetForwardTakesLeases":                                clockSetForwardTakesLeasesAndNothingElse,
		"Clock/SetBackHoldsUpNothingNew":                             clockSetBackHoldsUpNothingNew,
		"Queue/PostponedWorkIsDueAtItsTime":                          postponedWorkIsDueAtItsTime,
		"Runs/TestRUN02_RestartMakesLeasedWorkDue":                   restartMakesLeasedWorkDue,
		"Callbacks/AreRetriedUntilSettled":                           callbacksAreRetriedUntilSettled,
		"Callbacks/AreClaimedByEndpointInTurn":                       callbacksAreClaimedByEndpointInTurn,
		"Callbacks/InOrderWaitForTheFirst":                           callbacksInOrderWaitForTheFirst,
		"Callbacks/OfALostWorkerAreClaimedAgain":                     callbacksOfALostWorkerAreClaimedAgain,
		"Callbacks/AttemptsAreKept":                                  callbackAttemptsAreKept,
		"Callbacks/FailingEndpointIsDisabled":                        failingEndpointIsDisabled,
		"Callbacks/DisabledEndpointKeepsWhatIsOwed":                  disabledEndpointKeepsWhatIsOwed,
		"Callbacks/ReplayIsOneAttempt":                               replayIsOneAttempt,
		"Callbacks/ReplayPicksWhatItIsAskedFor":                      replayPicksWhatItIsAskedFor,
		"Callbacks/AreFoundByWhatIsAsked":                            callbacksAreFoundByWhatIsAsked,
		"Queue/RenewKeepsWorkFromOthers":                             renewKeepsWorkFromOthers,
		"Queue/RenewLeavesWhatWasPutDown":                            renewLeavesWhatWasPutDown,
		"Queue/NextDueIsTheEarliest":                                 nextDueIsTheEarliest,
		"Queue/WakeTellsOfNewWork":                                   wakeTellsOfNewWork,
		"Batches/QuestionsJoinOneBatch":                              questionsJoinOneBatch,
		"Batches/FullBatchIsDueAtOnce":                               fullBatchIsDueAtOnce,
		"Batches/ClosedBatchTakesNoMore":                             closedBatchTakesNoMore,
		"Batches/BatchIsFenced":                                      batchIsFenced,
		"Batches/AnswersMakeRunsDue":                                 answersMakeRunsDue,
		"Batches/AnswerIsNotMissed":                                  answerIsNotMissed,
		"Batches/RunWithoutAnAnswerWaitsOn":                          runWithoutAnAnswerWaitsOn,
		"Batches/QuestionIsAskedAgainSoOften":                        questionIsAskedAgainSoOften,
		"Batches/ManyAskedAgainFillSeveralBatches":                   manyQuestionsAskedAgainFillSeveralBatches,
		"Batches/RunsThatHaveEndedAskNothing":                        runsThatHaveEndedAskNothing,
		"Batches/BatchIsWokenByItsNameAtTheProvider":                 batchIsWokenByItsNameAtTheProvider,
		"Batches/BatchIsSubmittedOnRequest":                          batchIsSubmittedOnRequest,
		"Batches/CancelledBatchIsDueAndTakesNoMore":                  cancelledBatchIsDueAndTakesNoMore,
		"Batches/CollectIsFenced":                                    collectIsFenced,
		"Dead/AreListedByWhatIsAsked":                                deadLettersAreListedByWhatIsAsked,
		"Dead/FailureIsNoneOfThemIfSomebodyWaited":                   failureIsNoDeadLetterIfSomebodyWaited,
		"Dead/ReplayedEventIsRoutedAgain":                            replayedEventIsRoutedAgain,
		"Dead/EditedEventLeavesTheOriginal":                          editedEventLeavesTheOriginal,
		"Dead/ReplayedRunIsAnotherRun":                               replayedRunIsAnotherRun,
		"Dead/ReplayedAtOnceIsReplayedOnce":                          deadRunReplayedAtOnceIsReplayedOnce,
		"Dead/ResumedRunGoesOn":                                      resumedRunGoesOn,
		"Dead/ResumedRunOvertakesNobody":                             resumedRunOvertakesNobody,
		"Dead/DeletedEventIsStillADuplicate":                         deletedEventIsStillADuplicate,
		"Dead/DeletedRunIsGone":                                      deletedRunIsGone,
		"Dead/DeletedRunStaysBareForItsCallback":                     deletedRunStaysBareForItsCallback,
		"Export/HandsOutWhatIsSelected":                              exportHandsOutWhatIsSelected,
		"Retention/RemovesWhatHasComeToItsEnd":                       retentionRemovesWhatHasComeToItsEnd,
		"Retention/KeepsWhatHasNotEndedAndDeadLetters":               retentionKeepsWhatHasNotEnded,
		"Retention/EmptiesAnEventWhoseKeyCounts":                     retentionEmptiesAnEventWhoseKeyCounts,
		"Retention/BodyDoesNotWaitForTheRun":                         retentionOfABodyDoesNotWaitForTheRun,
		"Retention/SourceHasItsOwn":                                  retentionOfASourceIsItsOwn,
		"Retention/KeepsTheNewest":                                   retentionKeepsTheNewest,
		"Retention/StepsAreBounded":                                  retentionStepsAreBounded,
		"Retention/GoesOnAfterACrash":                                retentionGoesOnAfterACrash,
		"Retention/KeysOutliveRunsThatMayGoOn":                       keysOutliveRunsThatMayGoOn,
		"Ledger/ARowKeepsWhatTheGuardKnows":                          rowsKeepWhatTheGuardKnows,
		"Audit/TamperingIsFound":                                     tamperingIsFound,
		"Audit/EachColumnIsHeld":                                     eachColumnIsHeld,
		"Audit/HeadsOutliveTheDatabase":                              headsOutliveTheDatabase,
		"Audit/NoHeadTakesThePlaceOfOneThatDoesNotHold":              noHeadTakesThePlaceOfOneThatDoesNotHold,
		"Audit/ChainSurvivesRetention":                               chainSurvivesRetention,
		"Audit/OldRowsAreChained":                                    oldRowsAreChained,
		"Audit/SearchFinds":                                          searchFinds,
		"Retention/AuditAndRejectionsGoByAge":                        auditAndRejectionsGoByAge,
		"Retention/WholeDeliveryGoesWithItsLastEvent":                wholeDeliveryGoesWithItsLastEvent,
	} {
		t.Run(name, func(t *testing.T) { test(t, open(t)) })
	}
	for name, test := range keyCases {
		t.Run("Keys/"+name, func(t *testing.T) { test(t, open(t)) })
	}
	for name, test := range followUpCases {
		t.Run("FollowUps/"+name, func(t *testing.T) { test(t, open(t)) })
	}
}

const lease = 10 * time.Second
