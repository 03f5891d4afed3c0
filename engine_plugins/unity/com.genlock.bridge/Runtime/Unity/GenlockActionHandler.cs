using UnityEngine;

namespace Genlock
{
    /// <summary>Calls what the inspector says when one action comes.</summary>
    [AddComponentMenu("Genlock/Genlock Action Handler")]
    public sealed class GenlockActionHandler : GenlockBehaviour
    {
        [Tooltip("The action's name in the GenlockActions asset.")]
        [SerializeField] private string action = "";

        [SerializeField] private PhaseEvents phases = new PhaseEvents();

        /// <summary>The action's name.</summary>
        public string Action
        {
            get { return action; }
            set { action = value; }
        }

        /// <summary>It waits for more.</summary>
        public ActionEvent OnStarted
        {
            get { return phases.OnStarted; }
        }

        /// <summary>It is to be done.</summary>
        public ActionEvent OnPerformed
        {
            get { return phases.OnPerformed; }
        }

        /// <summary>It ends without being done.</summary>
        public ActionEvent OnCanceled
        {
            get { return phases.OnCanceled; }
        }

        internal override void Attach(GenlockClient of)
        {
            of.ActionReceived += Take;
        }

        internal override void Detach(GenlockClient of)
        {
            of.ActionReceived -= Take;
        }

        private void Take(GenlockAction received)
        {
            if (received.Name != action)
            {
                return;
            }
            phases.Raise(received);
        }
    }
}
