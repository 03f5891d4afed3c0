using System;
using System.Collections.Generic;
using System.Net.Security;

namespace Genlock
{
    /// <summary>What a session begins with.</summary>
    public sealed class SessionOptions
    {
        /// <summary>Of the daemon: ws://host:8765 or wss://host:8765.</summary>
        public Uri Url = new Uri("ws://127.0.0.1:8765");

        /// <summary>Who wears the headset, 1 to 128 characters; what is learned belongs to this name.</summary>
        public string User = "";

        /// <summary>The secret that the daemon was started with, if any.</summary>
        public string Token = "";
        public AppInfo App = new AppInfo();
        public DeviceInfo Device = new DeviceInfo();

        /// <summary>How many frames a second will be sent, 1 to 240.</summary>
        public double RefreshHz = 90.0;

        /// <summary>How far ahead poses are forecast, milliseconds after a frame's time, up to 8; empty: no forecast.</summary>
        public IList<double> HorizonsMs = new List<double> { 50.0, 100.0 };

        /// <summary>Whether sound will be sent.</summary>
        public bool Audio;

        /// <summary>Whether pictures will be sent.</summary>
        public bool Images;

        /// <summary>With wss: says whether a certificate is good; null: the platform does.</summary>
        public RemoteCertificateValidationCallback CertificateValidation;
    }

    /// <summary>Where a session is.</summary>
    public enum SessionState
    {
        /// <summary>Not begun.</summary>
        Idle,

        /// <summary>Waiting for the daemon's welcome.</summary>
        Connecting,

        /// <summary>Welcomed.</summary>
        Connected,

        /// <summary>Between two attempts to connect.</summary>
        Waiting,

        /// <summary>It will not connect again.</summary>
        Ended,
    }

    /// <summary>Why a connection ended, and what happens now.</summary>
    public sealed class Closing
    {
        /// <summary>One of <see cref="CloseCodes"/>, or another WebSocket close code.</summary>
        public int Code;

        /// <summary>What the daemon or the platform said.</summary>
        public string Reason = "";

        /// <summary>What to do about it.</summary>
        public string Advice = "";

        /// <summary>Whether it connects again by itself.</summary>
        public bool TriesAgain;

        /// <summary>When, milliseconds from now.</summary>
        public double RetryMs;
    }

    /// <summary>What came of an utterance.</summary>
    public sealed class Understood
    {
        /// <summary>The utterance's id: what <see cref="Feedback.Of"/> wants.</summary>
        public string Id = "";

        /// <summary>The actions that it meant or ended.</summary>
        public IReadOnlyList<GenlockAction> Actions = new List<GenlockAction>();

        /// <summary>Why nothing came of it, or what is missing.</summary>
        public IReadOnlyList<Notice> Notices = new List<Notice>();

        /// <summary>The action that is to be done; null: none.</summary>
        public GenlockAction Performed
        {
            get
            {
                foreach (var action in Actions)
                {
                    if (action.Phase == ActionPhase.Performed)
                    {
                        return action;
                    }
                }
                return null;
            }
        }
    }
}
