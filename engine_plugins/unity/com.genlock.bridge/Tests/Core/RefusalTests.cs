using System;
using System.Collections.Generic;
using System.Threading;
using NUnit.Framework;

namespace Genlock.Tests
{
    /// <summary>What a real daemon refuses, at GENLOCK_URL with the token GENLOCK_TOKEN.</summary>
    public sealed class RefusalTests
    {
        private readonly List<string> _errors = new List<string>();
        private readonly List<Closing> _closings = new List<Closing>();
        private AppInfo _app = new AppInfo { Name = "test" };
        private bool _trusts = true;
        private GenlockSession _session;

        [TearDown]
        public void End()
        {
            if (_session != null)
            {
                _session.Dispose();
            }
            _trusts = true;
            _app = new AppInfo { Name = "test" };
            _errors.Clear();
            _closings.Clear();
        }

        [Test]
        public void AWrongTokenIsForGoodAndSaysWhereToSetIt()
        {
            Begin("wrong", Protocol.Version);
            Until(() => _session.State == SessionState.Ended);
            CollectionAssert.AreEqual(new[] { ErrorCodes.Unauthorized }, _errors);
            Assert.AreEqual(CloseCodes.Unauthorized, _closings[0].Code);
            StringAssert.Contains("Set Token", _closings[0].Advice);
            Assert.IsFalse(_closings[0].TriesAgain);
        }

        [Test]
        public void ACertificateThatIsNotTrustedIsRefusedInWords()
        {
            _trusts = false;
            Begin("", Protocol.Version);
            if (!Environment.GetEnvironmentVariable("GENLOCK_URL").StartsWith("wss"))
            {
                Assert.Ignore("the daemon at GENLOCK_URL has no certificate");
            }
            Until(() => _closings.Count == 1);
            StringAssert.Contains("certificate chain", _closings[0].Reason);
            Assert.IsTrue(_closings[0].TriesAgain);
        }

        [Test]
        public void AnotherMajorVersionIsForGoodAndSaysWhatToUpdate()
        {
            Begin(Environment.GetEnvironmentVariable("GENLOCK_TOKEN"), "2.0");
            Until(() => _session.State == SessionState.Ended);
            CollectionAssert.AreEqual(new[] { ErrorCodes.Version }, _errors);
            Assert.AreEqual(CloseCodes.Version, _closings[0].Code);
            StringAssert.Contains("Update the older", _closings[0].Advice);
        }

        [Test]
        public void AnAppThatCannotBeIsForGoodAndSaysWhy()
        {
            var take = new ActionInfo { Name = "take" };
            take.Phrases.Add("take {target}");
            _app.Actions.Add(take);
            Begin(Environment.GetEnvironmentVariable("GENLOCK_TOKEN"), Protocol.Version);
            Until(() => _session.State == SessionState.Ended);
            CollectionAssert.AreEqual(new[] { ErrorCodes.Invalid }, _errors);
            StringAssert.Contains("names a target", _closings[0].Reason);
            Assert.IsFalse(_closings[0].TriesAgain);
        }

        [Test]
        public void AMessageThatIsTooLongIsRefusedAndTheSessionGoesOn()
        {
            Begin(Environment.GetEnvironmentVariable("GENLOCK_TOKEN"), Protocol.Version);
            Until(() => _session.State == SessionState.Connected);
            _session.SendRaw(Vectors.Bytes("bad/too_big"));
            Until(() => _errors.Count == 1);
            Assert.AreEqual(ErrorCodes.TooBig, _errors[0]);
            Assert.AreEqual(SessionState.Connected, _session.State);
        }

        [Test]
        public void OneThatIsMuchTooLongClosesTheConnectionAndTheSessionIsResumed()
        {
            Begin(Environment.GetEnvironmentVariable("GENLOCK_TOKEN"), Protocol.Version);
            Until(() => _session.State == SessionState.Connected);
            _session.SendRaw(Utterance());
            Until(() => _session.Reconnects == 1);
            Assert.IsTrue(_session.Welcome.Resumed);
            Assert.IsTrue(_closings[0].TriesAgain);
        }

        [Test]
        public void WhatIsNoMsgPackClosesTheConnectionAndTheSessionIsResumed()
        {
            Begin(Environment.GetEnvironmentVariable("GENLOCK_TOKEN"), Protocol.Version);
            Until(() => _session.State == SessionState.Connected);
            _session.SendRaw(new byte[] { 0xc1 });
            Until(() => _session.Reconnects == 1);
            Assert.IsTrue(_session.Welcome.Resumed);
            Assert.AreEqual(CloseCodes.NotMsgPack, _closings[0].Code);
            CollectionAssert.AreEqual(new[] { ErrorCodes.NotMsgPack }, _errors);
        }

        private static byte[] Utterance()
        {
            var writer = new MsgPackWriter();
            ClientEncoder.Utterance(writer, "u", new string('x', 1100000), 0, "");
            return writer.ToArray();
        }

        private void Begin(string token, string version)
        {
            var url = Environment.GetEnvironmentVariable("GENLOCK_URL");
            if (string.IsNullOrEmpty(url))
            {
                Assert.Ignore("no daemon: set GENLOCK_URL and GENLOCK_TOKEN");
            }
            _session = new GenlockSession(
                new SessionOptions
                {
                    Url = new Uri(url),
                    Token = token,
                    User = "refused",
                    App = _app,
                    CertificateValidation = (sender, certificate, chain, errors) => _trusts && certificate.Subject == "CN=localhost",
                })
            {
                VersionSaid = version,
            };
            _session.ErrorReceived += error => _errors.Add(error.Code);
            _session.Closed += _closings.Add;
            _session.Connect();
        }

        private void Until(Func<bool> holds)
        {
            var limit = DateTime.UtcNow.AddMinutes(2);
            while (!holds())
            {
                Assert.Less(DateTime.UtcNow, limit, "it never came");
                _session.Pump();
                Thread.Sleep(2);
            }
        }
    }
}
